/*
 * Raising events, the hot part of event channels: see event.h.
 *
 * Sending takes the sender's lock alone. What it writes to in another domain is always there: the connection can't end meanwhile, so the
 * domain can't either, and its ports' places never move. The order of the steps makes sure that no event is lost: pending is set
 * before the mask is looked at, and a guest that unmasks clears the mask before it looks at pending.
 */
#include "domain/event.h"
#include "domain/console_ring.h"
#include "domain/event_port.h"
#include "domain/sched.h"
#include "abi/errno.h"
#include "lib/trace.h"

/* LAB 4.3a: Raise events: the pending bit, the selector, the upcall flag, and who has to be woken. */

/* An unmasked event is pending on a port: tell the vCPU, unless it has been told and has not looked yet. */
static ALWAYS_INLINE void tell(struct vcpu *v, u32 port)
{
    struct vcpu_info *info = __atomic_load_n(&v->ctx.info, __ATOMIC_RELAXED);

    if (!event_test_and_set(&info->evtchn_pending_sel, port / 64) &&
        !__atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
        sched_notify(v);
}

static ALWAYS_INLINE struct vcpu *vcpu_of_port(const struct domain *d, u32 port)
{
    return d->vcpus[__atomic_load_n(&event_port_at(d, port)->vcpu, __ATOMIC_RELAXED)];
}

static ALWAYS_INLINE void raised(struct domain *d, u32 port)
{
    trace_event(TRACE_EVENT, d->id, port);
    if (!bitmap_test_atomic(d->shared->evtchn_mask, port))
        tell(vcpu_of_port(d, port), port);
    sched_wake_pollers(d, port);
}

static ALWAYS_INLINE void raise(struct domain *d, u32 port)
{
    if (!event_test_and_set(d->shared->evtchn_pending, port))
        raised(d, port);
}

void event_raise_locked(struct domain *d, u32 port)
{
    raise(d, port);
}

/* Pending now, and it was not: whoever waits for it is to be told. */
s64 event_sent(struct domain *d, const struct event_port *e)
{
    raised(e->remote, e->port);
    spin_unlock_from(&d->events.lock, LOCK_EVENT);
    return 0;
}

s64 event_send_rest(struct domain *d, u32 port)
{
    const struct event_port *e = event_port_at(d, port);
    u8 state = e ? e->state : EVENT_FREE;

    spin_unlock(&d->events.lock);
    if (state == EVENT_HYPERVISOR)
        return console_ring_sent(d);
    /* Unbound: nobody is there to be told. */
    return state == EVENT_UNBOUND ? 0 : refuse(-XEN_EINVAL, port);
}

s64 event_send(struct domain *d, u32 port)
{
    s64 result = 0;

    return event_send_begin(d, port, &result) ? result : event_send_rest(d, port);
}

bool event_virq(struct vcpu *v, u32 virq)
{
    struct domain *d = v->domain;

    assert(virq < NR_VIRQS);
    spin_lock(&d->events.lock);
    u32 port = v->virq_port[virq];
    if (port)
        raise(d, port);
    spin_unlock(&d->events.lock);
    return port != 0;
}

void event_raise(struct domain *d, u32 port)
{
    spin_lock(&d->events.lock);
    if (event_port_used(d, port))
        raise(d, port);
    spin_unlock(&d->events.lock);
}

/* Needs no lock: a place doesn't move, and the bits are the guest's own. */
s64 event_unmask(struct domain *d, u32 port)
{
    if (!event_port_at(d, port))
        return refuse(-XEN_EINVAL, port);
    if (bitmap_clear_atomic(d->shared->evtchn_mask, port) && event_pending(d, port))
        tell(vcpu_of_port(d, port), port);
    return 0;
}

/* END LAB 4.3a */

void event_virq_initial(u32 virq)
{
    struct domain *d = domain_hold(0);

    if (!d)
        return;
    event_virq(d->vcpus[0], virq);
    domain_let_go(d);
}
