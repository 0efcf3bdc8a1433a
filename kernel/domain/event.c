/*
 * Raising events: see event.h.
 */
#include "domain/event.h"

void event_init(struct domain *d)
{
    d->events.lock = SPINLOCK_INIT(LOCK_EVENT);
}

bool event_destroy(struct domain *d)
{
    (void)d;
    return true;
}

bool event_virq(struct vcpu *v, u32 virq)
{
    (void)v, (void)virq;
    return false;
}

void event_virq_initial(u32 virq)
{
    (void)virq;
}

void event_raise(struct domain *d, u32 port)
{
    (void)d, (void)port;
}
