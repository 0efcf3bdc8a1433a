/*
 * The low bits of an mmu_update's ptr are a command.
 *
 * 0 and 3 store; 2 stores but keeps the accessed and dirty bits that hardware may have set since the guest looked; 1 sets an entry
 * of the machine-to-physical table. The entry's address itself must be 8-byte aligned. Source: MMU_* in xen.h.
 */
#include "test.h"

TEST
{
    u64 mfn = ptr_mfn(page_alloc()), *entry;

    map(SCRATCH_VA, mfn, PTE_P | PTE_US | PTE_RW);
    entry = pte_of(SCRATCH_VA, 1);
    CHECK_NO_TRAP(probe_write64(SCRATCH_VA, 1));
    CHECK_EQ(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);

    CHECK_RC(
        mmu_update_one(ptr_maddr(entry) | MMU_PT_UPDATE_PRESERVE_AD, pte_make(mfn, PTE_P | PTE_US)),
        0);
    CHECK_EQ(*entry & (PTE_A | PTE_D | PTE_RW | PTE_P), PTE_A | PTE_D | PTE_P);
    CHECK_RC(mmu_update_one(ptr_maddr(entry) | MMU_NORMAL_PT_UPDATE, pte_make(mfn, PTE_P | PTE_US)),
             0);
    CHECK_EQ(*entry & (PTE_A | PTE_D), 0);
    CHECK_RC(mmu_update_one(ptr_maddr(entry) | MMU_PT_UPDATE_NO_TRANSLATE, 0), 0);
    CHECK_EQ(*entry, 0);
    CHECK_REFUSED(mmu_update_one(ptr_maddr(entry) + 4, 0));
    CHECK_REFUSED(mmu_update_one(ptr_maddr(entry) + 4 + MMU_PT_UPDATE_PRESERVE_AD, 0));
}
