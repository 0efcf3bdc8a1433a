/*
 * What a port is, and which vCPU it tells: see event.h.
 */
#include "domain/event.h"
#include "domain/event_port.h"
#include "abi/errno.h"
#include "lib/trace.h"

/* IPIs and the virtual interrupts of one vCPU stay where they were bound. */
static bool can_move(const struct event_port *e)
{
    return e && e->state != EVENT_IPI && (e->state != EVENT_VIRQ || event_virq_is_global(e->virq));
}

s64 event_bind_vcpu(struct domain *d, u32 port, u32 vcpu)
{
    s64 error = 0;

    if (vcpu >= d->max_vcpus || !d->vcpus[vcpu])
        return refuse(-XEN_ENOENT, vcpu);
    spin_lock(&d->events.lock);
    struct event_port *e = event_port_used(d, port);
    if (can_move(e))
        __atomic_store_n(&e->vcpu, (u16)vcpu, __ATOMIC_RELAXED);
    else
        error = refuse(-XEN_EINVAL, port);
    spin_unlock(&d->events.lock);
    return error;
}

static void describe(const struct event_port *e, struct evtchn_status *s)
{
    static const u8 shown_as[] = {
        [EVENT_FREE] = EVTCHNSTAT_closed,
        [EVENT_RESERVED] = EVTCHNSTAT_closed,
        [EVENT_UNBOUND] = EVTCHNSTAT_unbound,
        [EVENT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
        [EVENT_HYPERVISOR] = EVTCHNSTAT_interdomain,
        [EVENT_VIRQ] = EVTCHNSTAT_virq,
        [EVENT_IPI] = EVTCHNSTAT_ipi,
        [EVENT_PIRQ] = EVTCHNSTAT_pirq,
    };

    s->status = shown_as[e->state];
    s->vcpu = e->vcpu;
    switch (e->state) {
    case EVENT_UNBOUND:
        s->u.unbound.dom = e->domid;
        break;
    case EVENT_INTERDOMAIN:
        s->u.interdomain.dom = e->remote->id;
        s->u.interdomain.port = e->port;
        break;
    case EVENT_HYPERVISOR:
        s->u.interdomain.dom = DOMID_XEN;
        s->u.interdomain.port = 0;
        break;
    case EVENT_VIRQ:
        s->u.virq = e->virq;
        break;
    case EVENT_PIRQ:
        s->u.pirq = e->pirq;
        break;
    default:
        break;
    }
}

s64 event_status(struct domain *d, struct evtchn_status *status)
{
    s64 error = 0;

    spin_lock(&d->events.lock);
    const struct event_port *e = event_port_at(d, status->port);
    if (e)
        describe(e, status);
    else
        error = refuse(-XEN_EINVAL, status->port);
    spin_unlock(&d->events.lock);
    return error;
}
