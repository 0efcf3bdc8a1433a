/*
 * Who has which domain id: a table, so that finding a domain costs the same however many there are.
 *
 * An id is free for another domain only when nothing names its last one any more. Frames that were given up while somebody else maps them (in
 * limbo) still carry it, for the allocator's accounts and the audit's; so they are counted here, beyond the end of the domain.
 *
 * Locking: (f) the allocator's lock; (a) atomic.
 */
#ifndef KOAN_MM_OWNER_H
#define KOAN_MM_OWNER_H

#include "abi/xen.h"
#include "lib/types.h"

struct domain_memory;

extern struct owner {
    struct domain_memory *memory; /* f: NULL: no domain has this id */
    u32 limbo;                    /* a: frames in limbo that carry it */
} owners[DOMID_FIRST_RESERVED];

/* The memory of that domain, or NULL. Under the allocator's lock. */
static inline struct domain_memory *owner_memory(u32 domid)
{
    return domid < DOMID_FIRST_RESERVED ? owners[domid].memory : NULL;
}

/* A frame of this domain goes into limbo. */
static inline void owner_gives_up(u16 domid)
{
    __atomic_fetch_add(&owners[domid].limbo, 1, __ATOMIC_RELAXED);
}

/* Does any frame in limbo carry this id? */
static inline bool owner_in_limbo(u16 domid)
{
    return __atomic_load_n(&owners[domid].limbo, __ATOMIC_ACQUIRE) != 0;
}

#endif
