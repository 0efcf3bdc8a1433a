/*
 * What the tests of page types and of walks start from: domain 1 with a small tree of tables, and short names for what is done with it.
 */
#ifndef KOAN_TESTS_MM_TREE_H
#define KOAN_TESTS_MM_TREE_H

#include "mm_machine.h"
#include "abi/errno.h"

enum { P = 1, RW = 2, U = 4, PWT = 8, PCD = 16, A = 32, D = 64, PSE = 128, G = 256 };
#define NX     (1UL << 63)
#define KERNEL (1UL << 52) /* marks the guest kernel's pages */

/* Domain 1, with a tree L4[0] -> L3[0] -> L2[0] -> L1, which nobody has validated yet, and data pages. */
extern mfn_t l4, l3, l2, l1, data[20];
extern struct domain_memory *m;

static inline u64 entry(mfn_t mfn, u64 flags)
{
    return mfn.n << 12 | flags;
}

void set_up(void);

static inline struct frame *frame(mfn_t mfn)
{
    return mfn_to_frame(mfn);
}

s64 update(mfn_t table, u32 slot, u64 value);

s64 pin(mfn_t mfn, enum frame_type type);

#endif
