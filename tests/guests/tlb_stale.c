/*
 * A page that becomes a table must not be writable through an old TLB entry.
 *
 * The guest writes through a mapping, so that the TLB holds it, takes the mapping away without asking for any flush, and makes the
 * page a table. The hypervisor must flush before it trusts the page: a later write through the old address has to fault.
 * Source: "change only at count 0 (and flush stale writable TLB entries first)", checklist section 5.
 */
#include "test.h"

TEST
{
    u64 *page = page_alloc();

    for (int round = 0; round < 64; round++) {
        u64 entry = pte_make(ptr_mfn(page), PTE_RW_PAGE);

        CHECK_RC(update_va_mapping((u64)page, entry, UVMF_NONE), 0);
        memset(page, 0, PAGE_SIZE);
        CHECK_RC(update_va_mapping((u64)page, pte_make(ptr_mfn(page), PTE_RO_PAGE), UVMF_NONE), 0);
        CHECK_RC(mmuext_one(MMUEXT_PIN_L2_TABLE, ptr_mfn(page)), 0);
        CHECK_TRAP(probe_write64((u64)&page[round], PTE_P), TRAP_PF);
        CHECK_EQ(page[round], 0);
        CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(page)), 0);
    }
}
