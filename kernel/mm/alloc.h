/*
 * The frame allocator: one list of free frames, and the sum of what has been promised.
 *
 * A domain's reservation is promised when the domain is made, and no more is promised than is free: so a domain that stays within its
 * reservation always gets its page, and memory can't be overcommitted. The hypervisor takes its own pages from what is not promised.
 * A freed frame keeps its bytes and is scrubbed when it is handed out: freeing stays quick, and no time goes into memory that
 * nobody uses. Stale TLB entries are treated alike: they are flushed, if some CPU may still have any, when the frame gets its next owner.
 *
 * Locking: LOCK_ALLOC, taken inside.
 */
#ifndef KOAN_MM_ALLOC_H
#define KOAN_MM_ALLOC_H

#include "lib/types.h"
#include "mm/frame.h"
#include "x86/tlb.h"

struct domain_memory;

struct alloc_stats {
    u64 total;    /* frames ever given to the allocator */
    u64 free;     /* on the free list */
    u64 promised; /* of those: kept for domains that have not taken them yet */
    u64 koan;     /* used by the hypervisor, shared frames included */
};

/* Boot: these frames of RAM are free from now on. Their frame table entries may hold anything; frame 0 is left out. */
void alloc_give(mfn_t start, u64 count);

/* A zeroed page for the hypervisor, reachable through the direct map. INVALID_MFN: none left that is not promised. */
mfn_t alloc_koan_page(void);
void alloc_free_koan_page(mfn_t mfn);

struct alloc_stats alloc_stats(void);

/* For mm/memory.c: registers the domain, sets its reservation, hands out pages, takes them back. */
bool alloc_register(struct domain_memory *m, u64 pages);
bool alloc_promise(struct domain_memory *m, u64 pages);
bool alloc_unregister(struct domain_memory *m); /* false: somebody has found it and not let go */
struct domain_memory *alloc_find(u16 domid);
void alloc_let_go(struct domain_memory *m);
mfn_t alloc_domain_page(struct domain_memory *m);
mfn_t alloc_shared_page(struct domain_memory *m);
void alloc_to_limbo(struct domain_memory *m, struct frame *f);

/* All CPUs of the machine. */
struct cpumask cpumask_all(void);

#endif
