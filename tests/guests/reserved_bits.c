/*
 * Entries with bits that this machine or this interface does not have are refused, at every level.
 *
 * Address bits beyond any memory; large pages, which the interface has no validation for; the global bit above L1. If such an entry
 * got into a table, hardware would fault on it in the hypervisor's own accesses.
 */
#include "test.h"

static void refused(u64 *entry, u64 bits)
{
    u64 before = *entry;

    CHECK_REFUSED(pte_write(entry, before | bits));
    CHECK_EQ(*entry, before);
}

TEST
{
    map(SCRATCH_VA, ptr_mfn(page_alloc()), PTE_RW_PAGE);
    for (int level = 1; level <= 4; level++) {
        u64 *entry = pte_of(SCRATCH_VA, level);

        for (int bit = 40; bit < 52; bit++)
            refused(entry, BIT(bit));
        if (level > 1)
            refused(entry, PTE_PSE);
        if (level > 1)
            refused(entry, PTE_G);
    }
}
