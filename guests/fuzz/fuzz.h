/*
 * The fuzz guest: random hypercalls and page-table stores, from a seed on the command line.
 *
 *     seed=HEX ops=N      what to do; the same seed does the same (as long as the machine frames are the same)
 *
 * It plays with a pool of its own pages, which it builds into trees of page tables, pins, switches to, writes to, gives away, and with
 * every hypercall there is, with arguments that are mostly almost right. It tries not to destroy itself: its own code and stack are no
 * part of the pool. It may end by a crash all the same, and that is no failure: what counts is that the hypervisor's recount of
 * the frame table stays clean, and that no stretch of its code is long.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "memory.h"
#include "trap.h"

#define POOL_PAGES 96
#define POOL_VA                                                                                    \
    0x0000000050000000UL /* where the pool's pages are mapped a second time, one L1 table's worth */

struct pool {
    u8 *va[POOL_PAGES]; /* in the initial mapping */
    u64 mfn[POOL_PAGES];
};
extern struct pool pool;

/* A pseudo-random number (xorshift64*), one below n, and a coin that shows true once in n throws. */
u64 rnd(void);
u64 rnd_below(u64 n);
static inline bool rnd_once_in(u64 n)
{
    return rnd_below(n) == 0;
}

/* Values to call with: mostly almost right. */
u64 some_mfn(void);   /* of the pool as a rule; else of anybody */
u64 some_entry(void); /* a page-table entry */
u64 some_va(void);    /* an address: pool, own, hypervisor's, non-canonical */
u64 some_word(void);  /* any argument */
u64 *some_slot(void); /* a slot of a pool page, by its address in the initial mapping */
u64 pool_below(void); /* index of a pool page */

/* One random step of each kind. */
void step_tables(void);    /* tables.c: stores, builds, pins, switches */
void step_hypercall(void); /* calls.c: any hypercall with any arguments */

#endif
