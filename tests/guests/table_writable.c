/*
 * No page table can be mapped writable, by none of the ways to change an entry: that rule is what keeps guests apart.
 *
 * For a table of each level that is in use, the L4 included: update_va_mapping, mmu_update, and an L1 that is validated as a whole.
 * A store to a table faults; only stores to L1 tables may be emulated instead (see ptwr_store.c), so those are left out here.
 */
#include "test.h"

static void check_table(u64 *table, int level)
{
    u64 mfn = ptr_mfn(table), *other = page_alloc();

    CHECK_REFUSED(update_va_mapping((u64)table, pte_make(mfn, PTE_RW_PAGE), UVMF_INVLPG));
    CHECK_REFUSED(update_va_mapping(SCRATCH_VA, pte_make(mfn, PTE_RW_PAGE), UVMF_INVLPG));
    CHECK_REFUSED(pte_write(pte_of(SCRATCH_VA, 1), pte_make(mfn, PTE_RW_PAGE)));
    other[100] = pte_make(mfn, PTE_RW_PAGE);
    page_readonly(other);
    CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(other)));

    CHECK_RC(pte_write(pte_of(SCRATCH_VA, 1), pte_make(mfn, PTE_RO_PAGE)), 0);
    if (level > 1) {
        CHECK_TRAP(probe_write64(SCRATCH_VA, 0), TRAP_PF);
        CHECK_EQ(trap_last.error, PF_PRESENT | PF_WRITE);
    }
    CHECK_NO_TRAP(probe_read64(SCRATCH_VA, NULL));
    CHECK_RC(pte_write(pte_of(SCRATCH_VA, 1), 0), 0);
}

TEST
{
    map(SCRATCH_VA, ptr_mfn(page_alloc()), PTE_RO_PAGE);
    for (int level = 1; level <= 4; level++) {
        u64 *entry = pte_of((u64)&test_result, level);

        check_table((u64 *)((u64)entry & PAGE_MASK), level);
    }
}
