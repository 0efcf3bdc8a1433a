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

/* A new domain's memory: takes `pages` from what is free for its reservation. False: there is not so much. */
bool memory_init(struct domain_memory *m, u16 domid, bool privileged, u64 pages);

/* A page of the reservation: zeroed, owned, refs 1, in the page list; m2p untouched. INVALID_MFN: the reservation is used up. Takes the lock. */
mfn_t memory_alloc_page(struct domain_memory *m);

/* A zeroed frame of the hypervisor's that the domain may map (FRAME_SHARED): shared_info, later grant tables. Not counted in its reservation; freed with it. Takes the lock. */
mfn_t memory_alloc_shared(struct domain_memory *m);

/* For the domain builder: validate the L4 and the tree below it and pin it; then a base pointer's reference. 0 or a negative error. Take the lock;
 * not interrupted. */
s64 memory_pin_built_l4(struct domain_memory *m, mfn_t l4);
s64 memory_get_base(struct domain_memory *m, mfn_t l4);

/* A writable reference to an own frame, for a registered vcpu_info and the like; the lock is held. 0 or a negative error. */
s64 frame_get_writable(struct domain_memory *m, mfn_t mfn);

/* Teardown, both interruptible: false means call again. Take the lock. First each vCPU's references (base pointers, 0: none; its vcpu_info frame; the outcome of
 * a tree walk that it never claimed), each set to none when given back; then all frames. */
bool memory_release_vcpu(struct domain_memory *m, u64 *cr3_kernel, u64 *cr3_user, mfn_t *info,
                         struct walk_result *walk);
bool memory_release(struct domain_memory *m);

#endif
