/*
 * mmu_update of a page that is no table is a plain store: a guest may prepare a table with it before it is one.
 *
 * The value is then not looked at, whatever it would mean in a table. It works whether the page is mapped or not.
 * Source: the checklist, section 3: "writes to ordinary own writable/untyped frames must succeed as plain stores".
 */
#include "test.h"

TEST
{
    u64 *page = page_alloc(), pfn = pfn_alloc();

    CHECK_RC(pte_write(&page[17], 0xdeadbeefcafef00d), 0);
    CHECK_EQ(page[17], 0xdeadbeefcafef00d);
    CHECK_EQ(page[16], 0);
    CHECK_EQ(page[18], 0);

    page_readonly(page);
    CHECK_RC(pte_write(&page[511], ~0UL), 0);
    CHECK_EQ(page[511], ~0UL);

    CHECK_RC(mmu_update_one((pfn_mfn(pfn) << PAGE_SHIFT) + 8, 12345), 0);
    map(SCRATCH_VA, pfn_mfn(pfn), PTE_RO_PAGE);
    CHECK_EQ(((u64 *)SCRATCH_VA)[1], 12345);
}
