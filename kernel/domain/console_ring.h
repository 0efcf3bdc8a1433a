/*
 * The console ring of a domain from a boot module (Xen's public io/console.h), served by the hypervisor until a dom0 takes it over.
 *
 * What the guest puts into its out ring goes to its console as if by console_io, when it sends on the ring's port. What is typed for
 * it goes to the in ring once it has shown, by sending, that it uses the ring; before, console_io gets it. A dom0 takes the
 * ring over by binding to the port (event_port.c); from then on the hypervisor leaves ring and port alone.
 *
 * The ring is the guest's page: its indices may hold anything at any time.
 *
 * Locking: (g) the ring's own lock, LOCK_RING, held for one chunk of bytes at a time; (r) set while the domain is made, given back by reap.c.
 */
#ifndef KOAN_DOMAIN_CONSOLE_RING_H
#define KOAN_DOMAIN_CONSOLE_RING_H

#include "lib/types.h"
#include "mm/addr.h"
#include "x86/lock.h"

struct domain;

struct console_ring {
    struct spinlock lock;
    mfn_t
        mfn; /* r: the guest's frame, held with a reference of type FRAME_WRITABLE; INVALID_MFN: none */
    u32 port;     /* r */
    bool served;  /* g: by the hypervisor */
    bool used;    /* g: the guest has sent */
    u32 in_prod;  /* g: our own indices; those in the ring can be written by the guest */
    u32 out_cons; /* g */
};

/* A domain that is being made: none yet. */
void console_ring_init(struct domain *d);

/* Serve the ring in that frame of a new domain; *port is the guest's port. False: not possible. */
bool console_ring_start(struct domain *d, mfn_t mfn, u32 *port);

/* Something was typed and waits in the domain's queue (console.h). With no lock held; the domain may be gone. */
void console_ring_input(u16 domid);

/* The guest has sent on the ring's port. 0, or -XEN_ERESTART: there is more, and work is pending. */
s64 console_ring_sent(struct domain *d);

/* The hypervisor's end of the port is gone: it serves the ring no longer. Under the event lock. */
void console_ring_taken(struct domain *d);

#endif
