/*
 * Large pages are refused: a 2 MiB entry would map 512 frames by one reference, among them tables.
 *
 * In an L2 and in an L3 that are in use, and in one that is to be pinned. Source: "no superpages; hide PSE", checklist section 2.
 */
#include "test.h"

TEST
{
    for (u32 op = MMUEXT_PIN_L2_TABLE; op <= MMUEXT_PIN_L4_TABLE; op++) {
        u64 *table = table_alloc(), *below = table_alloc();
        u64 flag = pte_make(ptr_mfn(below), PTE_TABLE | PTE_PSE);
        u64 large = pte_make(ptr_mfn(table) & ~511UL, PTE_RW_PAGE | PTE_PSE);

        CHECK_RC(mmuext_one(op, ptr_mfn(table)), 0);
        CHECK_RC(pte_write(&table[1], large), -XEN_EINVAL);
        CHECK_RC(pte_write(&table[1], large & ~PTE_RW), -XEN_EINVAL);
        CHECK_RC(pte_write(&table[1], flag), -XEN_EINVAL); /* without the flag all would be well */
        CHECK_RC(pte_write(&table[1], flag & ~PTE_PSE), 0);
        CHECK_RC(pte_write(&table[1], 0), 0);
        CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(table)), 0);
        CHECK_RC(pte_write(&table[1], large), 0); /* a plain page now */
        CHECK_REFUSED(mmuext_one(op, ptr_mfn(table)));
        CHECK(page_can_be_written(table));
    }
}
