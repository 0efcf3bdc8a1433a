/*
 * Writable page tables: with vm_assist type 2, a guest kernel's plain store to one of its L1 tables is emulated as an update.
 *
 * Linux changes most of its entries so. mov, xchg, cmpxchg, and the locked and/or/btr forms that its helpers compile to, of eight
 * bytes or less. The result is what mmu_update would have made of it: validated, with the U bit.
 * Source: the checklist, section 5, "writable-page-table emulation".
 */
#include "test.h"

static u64 mfn;

static void check_map(u64 *entry, u64 flags)
{
    CHECK_EQ(*entry & (PTE_ADDRESS | PTE_P | PTE_US | PTE_RW), pte_make(mfn, flags | PTE_US));
}

TEST
{
    u64 *entry, old;

    mfn = ptr_mfn(page_alloc());
    map(SCRATCH_VA, mfn, PTE_RW_PAGE);
    entry = pte_of(SCRATCH_VA, 1);
    CHECK_RC(vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);

    CHECK_NO_TRAP(probe_write64((u64)entry, 0));
    CHECK_EQ(*entry, 0);
    CHECK_NO_TRAP(probe_write64((u64)entry, pte_make(mfn, PTE_P)));
    check_map(entry, PTE_P);

    old = 0;
    CHECK_NO_TRAP(TRY_IO("xchgq %0, %1", "+r"(old), "m"(*entry)));
    CHECK_EQ(pte_mfn(old), mfn);
    CHECK_EQ(*entry, 0);
    CHECK_NO_TRAP(
        TRY_IO("lock cmpxchgq %1, %0", "+m"(*entry), "r"(pte_make(mfn, PTE_RW_PAGE)), "a"(0UL)));
    check_map(entry, PTE_P | PTE_RW);

    CHECK_NO_TRAP(TRY_IO("lock btrq $1, %0", "+m"(*entry), )); /* write-protect */
    check_map(entry, PTE_P);
    CHECK_NO_TRAP(TRY_IO("lock orb $2, %0", "+m"(*entry), ));
    check_map(entry, PTE_P | PTE_RW);
    CHECK_NO_TRAP(TRY_IO("lock andb $0xfd, %0", "+m"(*entry), ));
    check_map(entry, PTE_P);
    CHECK_NO_TRAP(TRY_IO("movl %1, 4(%0)", , "r"(entry), "r"((u32)(*entry >> 32))));
    check_map(entry, PTE_P);
}
