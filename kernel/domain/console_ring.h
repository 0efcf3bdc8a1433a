/*
 * The console ring of a domain from a boot module (Xen's public io/console.h), served by the hypervisor until a dom0 takes it over.
 *
 * What the guest puts into its out ring goes to its console as if by console_io, when it sends on the ring's port. What is typed for
 * it goes to the in ring once it has shown, by sending, that it uses the ring; before, console_io gets it. A dom0 takes the
 * ring over by binding to the port (event_port.c); from then on the hypervisor leaves ring and port alone.
 *
 * The ring is the guest's page: its indices may hold anything at any time.
 *
 * Locking: (g) the ring's own lock, LOCK_RING; (r) set while the domain is made.
 */
#ifndef KOAN_DOMAIN_CONSOLE_RING_H
#define KOAN_DOMAIN_CONSOLE_RING_H

#include "lib/types.h"
#include "mm/addr.h"

struct domain;

/* The guest has sent on the ring's port. 0, or -XEN_ERESTART: there is more, and work is pending. */
s64 console_ring_sent(struct domain *d);

/* The hypervisor's end of the port is gone: it serves the ring no longer. Under the event lock. */
void console_ring_taken(struct domain *d);

#endif
