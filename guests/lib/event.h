/*
 * Event channels: the calls, and the upcall that looks which ports have an event.
 *
 *     events_init();                              the upcall; events stay masked
 *     s64 port = event_bind_ipi(0);               a port, or -XEN_E*
 *     event_handle(port, handler);                called from the upcall, events masked
 *     events_on();
 *     event_send(port);
 *
 * Each port also has a count of the upcalls that found it pending. A guest that would rather look for itself leaves events off and
 * uses event_pending and event_clear.
 */
#ifndef GUEST_EVENT_H
#define GUEST_EVENT_H

#include "abi/event_channel.h"
#include "guest.h"

#define EVENT_PORTS EVTCHN_2L_NR_CHANNELS

/* ---- the calls; those that make a port answer with it, or with -XEN_E* ---- */

static inline s64 event_channel_op(u64 cmd, void *arg)
{
    return hypercall(__HYPERVISOR_event_channel_op, cmd, (u64)arg, 0, 0, 0);
}

s64 event_alloc_unbound(domid_t remote);
s64 event_bind_interdomain(domid_t remote, u32 remote_port);
s64 event_bind_virq(u32 virq, u32 vcpu);
s64 event_bind_ipi(u32 vcpu);
s64 event_bind_vcpu(u32 port, u32 vcpu);
s64 event_close(u32 port);
s64 event_unmask(u32 port); /* by hypercall: good for a port of another vCPU */
s64 event_status(u32 port, struct evtchn_status *status);
s64 event_reset(domid_t domid);

static inline s64 event_send(u32 port)
{
    struct evtchn_send send = { .port = port };

    return event_channel_op(EVTCHNOP_send, &send);
}

/* ---- the shared bits ---- */

static inline bool event_pending(u32 port)
{
    return __atomic_load_n(&shared_info->evtchn_pending[port / 64], __ATOMIC_ACQUIRE) >>
               (port % 64) &
           1;
}

/* What they were before. */
static inline bool event_set_bit(u64 *map, u32 port)
{
    return __atomic_fetch_or(&map[port / 64], BIT(port % 64), __ATOMIC_SEQ_CST) >> (port % 64) & 1;
}

static inline bool event_clear_bit(u64 *map, u32 port)
{
    return __atomic_fetch_and(&map[port / 64], ~BIT(port % 64), __ATOMIC_SEQ_CST) >> (port % 64) &
           1;
}

static inline bool event_clear(u32 port)
{
    return event_clear_bit(shared_info->evtchn_pending, port);
}

static inline void event_mask(u32 port)
{
    event_set_bit(shared_info->evtchn_mask, port);
}

/* ---- the upcall ---- */

typedef void event_handler(u32 port);

void events_init(void);
void event_handle(u32 port, event_handler *handler); /* NULL: only count */
u64 event_count(u32 port);                           /* upcalls that found it pending */
u64 events_upcalls(void);                            /* upcalls at all */

/*
 * Where the flags of the vCPU that runs this stand: vCPU 0's, unless the guest has said otherwise (smp_info). An upcall takes only the ports of
 * its own vCPU: those that were bound to it by the functions above.
 */
extern struct vcpu_info *(*events_info)(void);
void events_on(void); /* what is pending is delivered before this returns */
void events_off(void);

#endif
