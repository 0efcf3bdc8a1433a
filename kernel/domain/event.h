/*
 * Event channels: the interrupts of a PV guest, two-level form (Xen's public event_channel.h).
 *
 * A port is one end of a channel. To raise it is to set its bit in the domain's shared page and, if it is not masked, to tell the vCPU
 * that it is bound to: its selector bit, its upcall flag, and the scheduler. Everything the guest can write there is only ever set
 * or tested by the hypervisor: a guest that scribbles over it hurts itself.
 *
 * All functions take the event locks that they need; those that return s64 return 0 or -XEN_E*. None may be called with a lock of
 * level LOCK_EVENT or higher held, and those that name another domain with no lock at all.
 */
#ifndef KOAN_DOMAIN_EVENT_H
#define KOAN_DOMAIN_EVENT_H

#include "domain/domain.h"
#include "lib/bitmap.h"

/* Port 0, which is none, and room for some more. False: no memory for it. */
bool event_init(struct domain *d);

/* A step of teardown: close all ports; peers' ends become unbound. False: to be called again. */
bool event_destroy(struct domain *d);

/* ---- raising ---- */

/* A virtual interrupt for a vCPU; a global one is vCPU 0's, wherever it is bound. False: the guest has not bound it. Cheap. */
bool event_virq(struct vcpu *v, u32 virq);

/* A global one for the domain that looks after the machine, if there is one. */
void event_virq_initial(u32 virq);

/* An event from the hypervisor on a port, if it is still open. */
void event_raise(struct domain *d, u32 port);

/* Has the port an event that the guest has not taken? */
static inline bool event_pending(const struct domain *d, u32 port)
{
    return bitmap_test_atomic(d->shared->evtchn_pending, port);
}

/* ---- the operations of event_channel_op; `d` is the domain whose port it is ---- */

/* -XEN_ERESTART: the console ring was not emptied because work is pending; to be sent again. */
s64 event_send(struct domain *d, u32 port);

/*
 * The same in two steps, for the hypercall: the common case in line, and the rest, which begins with the lock held. True: sent, *result is
 * the answer.
 */
s64 event_sent(struct domain *d, const struct event_port *e);
s64 event_send_rest(struct domain *d, u32 port);

/* Returns what the bit was. One instruction, of any bit of the map. */
static ALWAYS_INLINE bool event_test_and_set(u64 *map, u64 bit)
{
    bool was;

    asm volatile("lock btsq %2, %0" : "+m"(*map), "=@ccc"(was) : "r"(bit) : "memory");
    return was;
}

/* A port that is pending already costs nothing more: its vCPU has been told, or will look when it unmasks the port. */
static ALWAYS_INLINE bool event_send_begin(struct domain *d, u32 port, s64 *result)
{
    struct event_table *t = &d->events;

    spin_lock_as(&t->lock, LOCK_EVENT);
    if (unlikely(port >= t->ports))
        return false;
    const struct event_port *e =
        &t->pages[port / EVENT_PORTS_PER_PAGE][port % EVENT_PORTS_PER_PAGE];
    if (unlikely(!e->remote))
        return false;
    if (!event_test_and_set(e->remote->shared->evtchn_pending, e->port)) {
        *result = event_sent(d, e);
        return true;
    }
    spin_unlock_from(&t->lock, LOCK_EVENT);
    *result = 0;
    return true;
}

s64 event_alloc_unbound(struct domain *d, u16 remote_domid, u32 *port);
s64 event_bind_interdomain(struct domain *d, u16 remote_domid, u32 remote_port, u32 *port);
s64 event_bind_virq(struct domain *d, u32 virq, u32 vcpu, u32 *port);
s64 event_bind_pirq(struct domain *d, u32 pirq, u32 *port);
s64 event_bind_ipi(struct domain *d, u32 vcpu, u32 *port);
s64 event_bind_vcpu(struct domain *d, u32 port, u32 vcpu);
s64 event_close(struct domain *d, u32 port);
s64 event_unmask(struct domain *d, u32 port);
s64 event_status(struct domain *d, struct evtchn_status *status);

/* Close all ports. -XEN_ERESTART: some are left, work is pending. */
s64 event_reset(struct domain *d);

/* A port whose other end is the hypervisor's: what the guest sends there goes to console_ring_sent(). */
s64 event_bind_hypervisor(struct domain *d, u32 *port);

#endif
