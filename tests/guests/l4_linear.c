/*
 * Linear page tables: an L4 entry that points, read-only, to the L4 itself or to another makes all tables visible as an array.
 * NetBSD needs this. Writable, the same entry would make every table writable, and is refused.
 *
 * Through the recursive slot the guest reads its own L1 entries at computed addresses; writing there faults.
 * Source: "entry must be read-only and refer to a validated same-level table or itself", checklist section 5.
 */
#include "test.h"

#define SLOT 3

static u64 linear_address(u64 va)
{
    return (u64)SLOT << 39 | (va >> 9 & 0x7ffffffff8);
}

TEST
{
    u64 *l4 = (u64 *)start_info->pt_base, *other = table_alloc();
    u64 self = ptr_mfn(l4), va = (u64)&test_result, got;

    CHECK_REFUSED(pte_write(&l4[SLOT], pte_make(self, PTE_TABLE)));
    CHECK_RC(pte_write(&l4[SLOT], pte_make(self, PTE_RO_PAGE)), 0);
    CHECK_NO_TRAP(probe_read64(linear_address(va), &got));
    CHECK_EQ(got & PTE_ADDRESS, *pte_of(va, 1) & PTE_ADDRESS);
    CHECK_TRAP(probe_write64(linear_address(va), 0), TRAP_PF);

    CHECK_RC(mmuext_one(MMUEXT_PIN_L4_TABLE, ptr_mfn(other)), 0);
    CHECK_REFUSED(pte_write(&other[SLOT], pte_make(self, PTE_TABLE)));
    CHECK_RC(pte_write(&other[SLOT], pte_make(self, PTE_RO_PAGE)), 0);
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(other)), 0);
    CHECK(page_can_be_written(other));
    CHECK_RC(pte_write(&l4[SLOT], 0), 0);
    CHECK_TRAP(probe_read64(linear_address(va), &got), TRAP_PF);
}
