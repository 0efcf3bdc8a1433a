/*
 * Memory that a domain starts with holds nobody's secrets: every free page of it is zero.
 *
 * What the builder has not filled is what others, or the firmware, have left there, unless somebody scrubs it.
 */
#include "test.h"

TEST
{
    u64 left = pages_left();

    for (u64 i = 0; i + 64 < left; i++) {
        u64 mfn = pfn_mfn(pfn_alloc());

        if (i % 16)
            continue; /* one in sixteen, to be quick */
        map(SCRATCH_VA, mfn, PTE_RO_PAGE);
        for (int word = 0; word < 512; word++)
            CHECK_EQ(((volatile u64 *)SCRATCH_VA)[word], 0);
    }
}
