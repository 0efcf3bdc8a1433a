/*
 * HYPERVISOR_event_channel_op(cmd, arg): events, the interrupts of a PV guest. A port is an end of a channel, named by a
 * small number in its domain. Source: Xen's public event_channel.h.
 */
#ifndef KOAN_ABI_EVENT_CHANNEL_H
#define KOAN_ABI_EVENT_CHANNEL_H

#include "abi/xen.h"

typedef u32 evtchn_port_t;

#define EVTCHNOP_bind_interdomain 0
#define EVTCHNOP_bind_virq        1
#define EVTCHNOP_bind_pirq        2
#define EVTCHNOP_close            3
#define EVTCHNOP_send             4
#define EVTCHNOP_status           5
#define EVTCHNOP_alloc_unbound    6
#define EVTCHNOP_bind_ipi         7
#define EVTCHNOP_bind_vcpu        8
#define EVTCHNOP_unmask           9
#define EVTCHNOP_reset            10
#define EVTCHNOP_init_control     11 /* 11 to 13: the FIFO form of events */
#define EVTCHNOP_expand_array     12
#define EVTCHNOP_set_priority     13

#define EVTCHN_2L_NR_CHANNELS 4096 /* ports of a domain: bits of evtchn_pending */

/* Make a port that domain remote_dom may bind to. */
struct evtchn_alloc_unbound {
    domid_t dom; /* in: whose port; DOMID_SELF unless privileged */
    domid_t remote_dom;
    evtchn_port_t port; /* out */
};
static_assert(sizeof(struct evtchn_alloc_unbound) == 8, "ABI");

/* Make a port and connect it with an unbound one; an event is pending at once. */
struct evtchn_bind_interdomain {
    domid_t remote_dom;
    evtchn_port_t remote_port;
    evtchn_port_t local_port; /* out */
};
static_assert(sizeof(struct evtchn_bind_interdomain) == 12, "ABI");

struct evtchn_bind_virq {
    u32 virq;
    u32 vcpu;
    evtchn_port_t port; /* out */
};
static_assert(sizeof(struct evtchn_bind_virq) == 12, "ABI");

#define BIND_PIRQ__WILL_SHARE 1

struct evtchn_bind_pirq {
    u32 pirq;
    u32 flags;          /* BIND_PIRQ__* */
    evtchn_port_t port; /* out */
};
static_assert(sizeof(struct evtchn_bind_pirq) == 12, "ABI");

struct evtchn_bind_ipi {
    u32 vcpu;
    evtchn_port_t port; /* out */
};
static_assert(sizeof(struct evtchn_bind_ipi) == 8, "ABI");

struct evtchn_close {
    evtchn_port_t port;
};

struct evtchn_send {
    evtchn_port_t port;
};

struct evtchn_status {
    domid_t dom;
    evtchn_port_t port;
    u32 status; /* out: EVTCHNSTAT_* */
    u32 vcpu;   /* out: who is told */
    union {
        struct {
            domid_t dom;
        } unbound;
        struct {
            domid_t dom;
            evtchn_port_t port;
        } interdomain;
        u32 pirq;
        u32 virq;
    } u; /* out */
};
static_assert(sizeof(struct evtchn_status) == 24, "ABI");

#define EVTCHNSTAT_closed      0
#define EVTCHNSTAT_unbound     1
#define EVTCHNSTAT_interdomain 2
#define EVTCHNSTAT_pirq        3
#define EVTCHNSTAT_virq        4
#define EVTCHNSTAT_ipi         5

struct evtchn_bind_vcpu {
    evtchn_port_t port;
    u32 vcpu;
};
static_assert(sizeof(struct evtchn_bind_vcpu) == 8, "ABI");

struct evtchn_unmask {
    evtchn_port_t port;
};

struct evtchn_reset {
    domid_t dom;
};

/* The FIFO form of events: refused, so that guests keep to the two-level one. */
struct evtchn_init_control {
    u64 control_gfn; /* in: page with the heads of the queues */
    u32 offset;      /* in: and where in it */
    u32 vcpu;        /* in */
    u8 link_bits;    /* out: bits of a port's number */
    u8 _pad[7];
};
static_assert(sizeof(struct evtchn_init_control) == 24, "ABI");

struct evtchn_expand_array {
    u64 array_gfn;
};
static_assert(sizeof(struct evtchn_expand_array) == 8, "ABI");

struct evtchn_set_priority {
    evtchn_port_t port;
    u32 priority;
};
static_assert(sizeof(struct evtchn_set_priority) == 8, "ABI");

/* Argument of the older call 16: the command comes inside. */
struct evtchn_op {
    u32 cmd; /* EVTCHNOP_* up to unmask */
    union {
        struct evtchn_alloc_unbound alloc_unbound;
        struct evtchn_bind_interdomain bind_interdomain;
        struct evtchn_bind_virq bind_virq;
        struct evtchn_bind_pirq bind_pirq;
        struct evtchn_bind_ipi bind_ipi;
        struct evtchn_close close;
        struct evtchn_send send;
        struct evtchn_status status;
        struct evtchn_bind_vcpu bind_vcpu;
        struct evtchn_unmask unmask;
    } u;
};
static_assert(sizeof(struct evtchn_op) == 28, "ABI");

#endif
