/*
 * A page that is mapped writable cannot become a page table: the guest could change it behind the hypervisor's back.
 *
 * "Writable" is a type like the table levels, with a count of writable mappings; a page has one type at a time. With two writable
 * mappings, both must go first. Source: the page types in the checklist, section 5.
 */
#include "test.h"

TEST
{
    u64 *page = page_alloc();
    u64 mfn = ptr_mfn(page);

    for (u32 op = MMUEXT_PIN_L1_TABLE; op <= MMUEXT_PIN_L4_TABLE; op++)
        CHECK_REFUSED(mmuext_one(op, mfn));

    map(SCRATCH_VA, mfn, PTE_RW_PAGE);
    page_readonly(page);
    CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, mfn));
    CHECK_RC(update_va_mapping(SCRATCH_VA, pte_make(mfn, PTE_RO_PAGE), UVMF_INVLPG), 0);
    CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, mfn), 0);
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), 0);
}
