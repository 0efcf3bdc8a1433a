/*
 * Emulated stores to an L1 table are no way around validation: what mmu_update would refuse ends as a page fault of the guest, and
 * the entry stays as it was. Stores to tables of other levels are never emulated.
 */
#include "test.h"

static void refused(u64 *entry, u64 value)
{
    u64 before = *entry;

    CHECK_TRAP(probe_write64((u64)entry, value), TRAP_PF);
    CHECK_EQ(trap_last.error, PF_PRESENT | PF_WRITE);
    CHECK_EQ(trap_last.cr2, (u64)entry);
    CHECK_EQ(*entry, before);
}

TEST
{
    u64 mfn = ptr_mfn(page_alloc()), *entry;

    map(SCRATCH_VA, mfn, PTE_RO_PAGE);
    entry = pte_of(SCRATCH_VA, 1);
    CHECK_RC(vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);

    refused(entry, pte_make(ptr_mfn(entry), PTE_RW_PAGE));
    refused(entry, pte_make(current_l4(), PTE_RW_PAGE));
    refused(entry, pte_make(foreign_mfn(), PTE_RO_PAGE));
    refused(entry, pte_make(BIT(40) - 1, PTE_RO_PAGE));
    for (int level = 2; level <= 4; level++)
        refused(pte_of(SCRATCH_VA, level), 0);

    /* Across two entries. */
    u64 before = *entry;
    CHECK_TRAP(probe_write64((u64)entry + 4, 0), TRAP_PF);
    CHECK_EQ(*entry, before);
}
