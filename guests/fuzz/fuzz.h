/*
 * The fuzz guest: random hypercalls and page-table stores, from a seed on the command line.
 *
 *     seed=HEX ops=HEX      what to do; the same seed does the same (as long as the machine frames are the same)
 *
 * With a second vCPU, both do so many operations, each from a seed of its own (vcpus.c). Pool, tree, ports, grants, children and the lists
 * that calls read are everybody's, without a lock: what comes of it is the hypervisor's business. On one CPU they take turns at the same
 * places each time.
 *
 * It plays with a pool of its own pages, which it builds into trees of page tables, pins, switches to, writes to, gives away, and with
 * every hypercall there is, with arguments that are mostly almost right; beside it with one large tree, so that the hypervisor is
 * interrupted in the midst of it. It tries not to destroy itself: its own code and stack are no part of the pool, and a trap that a step
 * runs into ends the step. It may end by a crash all the same, and that is no failure: what counts is that the hypervisor's
 * recount of the frame table stays clean, and that no stretch of its code is long.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "memory.h"
#include "trap.h"
#include "vcpu.h"

#define POOL_PAGES 96
#define POOL_VA                                                                                    \
    0x0000000050000000UL /* where the pool's pages are mapped a second time, one L1 table's worth */

struct pool {
    u8 *va[POOL_PAGES]; /* in the initial mapping */
    u64 mfn[POOL_PAGES];
};
extern struct pool pool;

#define FUZZ_VCPUS 2

/* What each vCPU has of its own; the other one only looks, but for `moved`, which both may set. */
struct fuzzer {
    u64 state; /* of its random numbers */
    u64 done;  /* operations */
    bool over; /* it has done them all */
    bool
        moved; /* its upcall flags stand in the pool, where random writes may keep it from being woken */
    u64 guard; /* it has stopped the other one, for so many operations more */
};
struct fuzzer *fuzzer(u32 vcpu);
struct fuzzer *own_fuzzer(void);

/* A pseudo-random number (xorshift64*), one below n, and a coin that shows true once in n throws. */
u64 rnd(void);
u64 rnd_below(u64 n);
static inline bool rnd_once_in(u64 n)
{
    return rnd_below(n) == 0;
}

/* Values to call with: mostly almost right. */
u64 some_mfn(void);      /* of the pool as a rule; else of anybody */
u64 some_entry(void);    /* a page-table entry */
u64 some_va(void);       /* an address: pool, own, hypervisor's, non-canonical */
u64 some_word(void);     /* any argument */
u64 *some_slot(void);    /* a slot of a pool page, by its address in the initial mapping */
u64 some_domid(void);    /* mostly one's own */
u64 some_selector(void); /* of guest, hypervisor or nobody */
u64 pool_below(void);    /* index of a pool page */

/* Write a pool page, of whatever use it is now, as far as the hypervisor lets it. */
void pool_store(u64 i, u64 index, u64 value);
void pool_clear(u64 i);
s64 pool_map(u64 i, u64 flags); /* in the initial mapping; 0: not at all */

/* Steps of each kind. */
void step_tables(void);      /* tables.c: stores, builds, pins, switches */
void step_deep(void);        /* deep.c: a tree of hundreds of tables */
void step_hypercall(void);   /* calls.c: any hypercall with any arguments */
void step_memory(void);      /* memory_op.c: frames come and go */
void step_grants(void);      /* grants.c: frames are lent, mapped and copied */
void step_events(void);      /* events.c: ports are made, connected and closed */
void step_domctl(void);      /* domctl.c: domains are made, changed and ended */
void step_descriptors(void); /* descriptors.c: GDT, LDT, selectors */
void step_modes(void);       /* modes.c: user mode, iret, entries, instructions that trap */
void step_vcpus(void);       /* vcpus.c: one vCPU sleeps, or stops the other, for a while */

void deep_init(void);
void grants_init(void);
void events_fuzz_init(void);
void modes_init(void);
void modes_begin(void); /* on each vCPU */
void domctl_fuzz_init(void);
void domctl_fuzz_end(void);

s64 vcpus_move_info(u32 vcpu, void *arg); /* vcpus.c: register_vcpu_info */

/* vcpus.c. Before each step: does the other one sleep, and wait for this one? Then it must be a step that surely comes to its end. */
bool vcpus_relied_on(void);
void vcpus_wait(void); /* for the other one to be through, as long as it gets on */
u64 deep_root(void);   /* the L4 of the large tree, on which the guest can run while it is valid */

#endif
