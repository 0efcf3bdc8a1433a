/*
 * What a domain has of event channels: a table of ports, in pages that are allocated as ports are asked for.
 *
 * Locking: (e) the lock of the table, LOCK_EVENT; a connection between two domains is made and ended under both locks, so whoever
 * holds one of them and sees INTERDOMAIN knows that the other end exists. (a) atomic: written under (e), read by a sender that holds
 * only its own domain's lock.
 */
#ifndef KOAN_DOMAIN_EVENT_STATE_H
#define KOAN_DOMAIN_EVENT_STATE_H

#include "abi/event_channel.h"
#include "lib/types.h"
#include "x86/lock.h"

struct domain;

enum event_state {
    EVENT_FREE = 0,
    EVENT_RESERVED,    /* port 0: no port */
    EVENT_UNBOUND,     /* waits for `domid` to bind to it */
    EVENT_INTERDOMAIN, /* connected with `port` of `remote` */
    EVENT_HYPERVISOR,  /* connected with the hypervisor: the console ring's port */
    EVENT_VIRQ,
    EVENT_IPI,
    EVENT_PIRQ,
};

struct event_port {
    u8 state; /* e: enum event_state */
    u16 vcpu; /* a: who is told */
    union {
        u16 port;  /* e: INTERDOMAIN, IPI */
        u16 domid; /* e: UNBOUND */
        u16 virq;  /* e: VIRQ */
        u16 pirq;  /* e: PIRQ */
    };
    struct domain *
        remote; /* e: INTERDOMAIN; an IPI names its own domain and port: what has one can be sent to, all else NULL */
};
static_assert(sizeof(struct event_port) == 16, "a page of ports has no gap");

#define EVENT_PORTS_PER_PAGE (PAGE_SIZE / sizeof(struct event_port))
#define EVENT_PAGES          (EVTCHN_2L_NR_CHANNELS / EVENT_PORTS_PER_PAGE)

#define PIRQS 256 /* numbers that a physical interrupt may have: more than any machine has lines */

struct event_table {
    struct spinlock lock;
    u32 ports;                             /* a: that have a place in a page */
    u32 lowest_free;                       /* e: no port below it is free */
    bool closing;                          /* e: the domain is being torn down; no new ports */
    struct event_port *pages[EVENT_PAGES]; /* a: each set once, and freed with the domain */
};

#endif
