/*
 * A domain's memory, as mm/ sees it: which frames are its own, how many it may have, and the lock over their counts.
 *
 * Embedded in struct domain (domain/domain.h) as `mem`. Locking: (l) the lock below; (f) the allocator's lock; (r) set at creation;
 * (a) atomic.
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
    bool flush_owed;      /* l: an entry above L1 has changed; memory_leave flushes */
    bool hidden;          /* a: its domain is being made: memory_find doesn't find it yet */
    u64 pte_refused;      /* r: flags that its L1 entries may not have */
    u64 pages;            /* f: frames it owns, limbo included, shared ones not */
    u64 max_pages;        /* f: its reservation */
    u32 users;            /* f: who has it from memory_find */
    u32 page_list;    /* f: its first frame, shared ones included, linked by frame->next; 0: none */
    struct walk walk; /* l: the validation or release of a tree that is under way, if any */
    struct walk_result
        foreign_result;         /* l: outcome of a walk that a privileged domain began here */
    bool releasing;             /* l: teardown has begun; the next frame to look at for a pin: */
    u32 release_next;           /* l */
    struct cpumask cpus;        /* a: CPUs that may hold TLB entries of this domain */
    struct grant_table *grants; /* l: what it lends (domain/grant.h); NULL: never asked for */
    struct grant_maps *maps;    /* l: what it has mapped of others; NULL: never did */
};

static inline bool walk_active(const struct domain_memory *m)
{
    return m->walk.depth != 0;
}

/*
 * The memory of another domain, or NULL. It stays, though its domain may end meanwhile, until memory_let_go: the last step of teardown
 * waits. To be called with no lock held that comes behind the allocator's.
 */
struct domain_memory *memory_find(u16 domid);
void memory_let_go(struct domain_memory *m);

/*
 * Prepare the zeroed memory of a new domain, with a reservation of `pages`. False: the machine has not so many left; then the
 * structure is good for memory_release only.
 */
bool memory_init(struct domain_memory *m, u16 domid, bool privileged, u64 pages);

/* Change the reservation: False: not so many left. Pages that it has beyond the new reservation stay. */
bool memory_set_max(struct domain_memory *m, u64 pages);

/*
 * Lock the memory of a domain for an operation on its counts, with no walk under way. False: a walk could not be finished because work
 * is pending; nothing is locked and the operation must be restarted. memory_leave does the TLB flush that the operation owes.
 */
bool memory_enter_slow(struct domain_memory *m);
void memory_flush_owed(struct domain_memory *m);

static inline bool memory_enter(struct domain_memory *m)
{
    spin_lock(&m->lock);
    return likely(!walk_active(m)) || memory_enter_slow(m);
}

static inline void memory_leave(struct domain_memory *m)
{
    if (unlikely(m->flush_owed))
        memory_flush_owed(m);
    spin_unlock(&m->lock);
}

/* The same for two domains, which may be one and the same: the owner of the tables, and that of the pages. */
bool memory_enter_two(struct domain_memory *a, struct domain_memory *b);

static inline bool memory_enter_pair(struct domain_memory *a, struct domain_memory *b)
{
    return likely(a == b) ? memory_enter(a) : memory_enter_two(a, b);
}

static inline void memory_leave_pair(struct domain_memory *a, struct domain_memory *b)
{
    memory_leave(a);
    if (unlikely(a != b))
        memory_leave(b);
}

/* A page out of the reservation: zeroed, owned, with the allocation's reference. INVALID_MFN: the reservation is used up. Needs no lock, but
 * a domain that may be dying must not be given pages. */
mfn_t memory_alloc_page(struct domain_memory *m);

/* A zeroed frame of the hypervisor that the domain may map (shared_info, grant table); given back by memory_release. */
mfn_t memory_alloc_shared(struct domain_memory *m);

/* Give up the allocation of a frame of the domain; it is free when the last mapping has gone. Under the lock. */
void memory_free_page(struct domain_memory *m, struct frame *f);

/* Take a pin away: its references. Under the lock; a walk may be under way afterwards. */
void memory_unpin(struct domain_memory *m, struct frame *f);

/*
 * A step of teardown, when nothing but the domain's own page tables refers to its frames any more (no base pointers, no descriptor
 * tables): unpin, release, free. False: to be called again. Frames that another domain maps become free when it lets go.
 */
bool memory_release(struct domain_memory *m);

/* For the domain builder: validate the finished tree and pin it. 0 or -XEN_E*. Doesn't stop for pending work. Takes the lock. */
s64 memory_pin_built_l4(struct domain_memory *m, mfn_t l4);

#endif
