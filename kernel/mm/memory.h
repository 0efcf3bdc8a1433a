/*
 * A domain's memory, as mm/ sees it: which frames are its own, how many it may have, and the lock over their counts.
 *
 * Embedded in struct domain (domain/domain.h) as `mem`. Locking: (l) the lock below; (r) set at creation; (a) atomic.
 */
#ifndef KOAN_MM_MEMORY_H
#define KOAN_MM_MEMORY_H

#include "lib/types.h"
#include "mm/frame.h"
#include "mm/walk.h"
#include "x86/lock.h"
#include "x86/tlb.h"

struct domain_memory {
    struct spinlock lock; /* LOCK_DOMAIN: the one lock of a domain */
    u16 domid;            /* r */
    bool privileged;      /* r: may map device memory, use cache bits, name other domains' frames */
    bool dying;           /* l: no new references */
    u64 pages;            /* l: frames it owns (shared frames not counted) */
    u64 max_pages;        /* l: its reservation */
    u32 page_list;        /* l: its first frame, linked by frame->next; 0: none */
    struct walk walk;     /* l: the validation or release of a tree that is under way, if any */
    struct cpumask cpus;  /* a: CPUs that may hold TLB entries of this domain */
};

/* The memory of domain `domid`, or NULL. Defined in domain/domain.c; the door through which mm/ finds an owner. */
struct domain_memory *memory_of(u16 domid);

#endif
