/*
 * Ports, for the files that work on them: event.c (raising), event_port.c (making and closing), event_info.c (status, binding to a vCPU).
 */
#ifndef KOAN_DOMAIN_EVENT_PORT_H
#define KOAN_DOMAIN_EVENT_PORT_H

#include "domain/domain.h"

/* The place of a port, whatever its state; NULL: there is none yet. Places never move. */
static ALWAYS_INLINE struct event_port *event_port_at(const struct domain *d, u32 port)
{
    if (unlikely(port >= __atomic_load_n(&d->events.ports, __ATOMIC_ACQUIRE)))
        return NULL;
    return &d->events.pages[port / EVENT_PORTS_PER_PAGE][port % EVENT_PORTS_PER_PAGE];
}

/* Likewise, for a port that is in use: NULL if it is free. Under the lock. */
static inline struct event_port *event_port_used(const struct domain *d, u32 port)
{
    struct event_port *e = event_port_at(d, port);

    return e && e->state != EVENT_FREE && e->state != EVENT_RESERVED ? e : NULL;
}

/* The tables of one or two domains, which may be the same: the lower id first. */
void event_lock_two(struct domain *a, struct domain *b);
void event_unlock_two(struct domain *a, struct domain *b);

/* Virtual interrupts that are for each vCPU, or for the machine. */
bool event_virq_is_global(u32 virq);

/* Set the port's bit and tell its vCPU. Under the lock of its domain or of its peer's. */
void event_raise_locked(struct domain *d, u32 port);

#endif
