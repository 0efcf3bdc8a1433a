/*
 * One page goes through all its possible lives, over and over: data, table of each level, descriptors, data again.
 *
 * Each change is allowed only when nothing of the old life is left, and each life must be as good as the first. A count that is lost
 * or left behind at any step shows a few rounds later, as a page that can't change any more or that changes too early.
 */
#include "test.h"

#define DATA_32 0x00cff3000000ffffUL

TEST
{
    u64 *page = page_alloc(), *window = page_alloc(), mfn = ptr_mfn(page);
    static const u32 order[] = { 3, 0, 2, 1, 0, 3, 1, 2 };

    for (int round = 0; round < 100; round++) {
        page[0] = 0; /* data */
        page_readonly(page);
        for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
            u32 op = MMUEXT_PIN_L1_TABLE + order[i];

            CHECK_RC(mmuext_one(op, mfn), 0);
            CHECK_REFUSED(update_va_mapping((u64)window, pte_make(mfn, PTE_RW_PAGE), UVMF_INVLPG));
            CHECK_REFUSED(set_gdt(&mfn, 8));
            CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), 0);
            CHECK_RC(mmuext_one(MMUEXT_CLEAR_PAGE, mfn),
                     0); /* an L4 leaves the hypervisor's entries behind */
        }
        CHECK_RC(mmu_update_one(mfn << PAGE_SHIFT, DATA_32), 0); /* a plain store again */
        CHECK_RC(set_gdt(&mfn, 8), 0);
        CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, mfn));
        CHECK_REFUSED(update_va_mapping((u64)window, pte_make(mfn, PTE_RW_PAGE), UVMF_INVLPG));
        CHECK_RC(set_gdt(NULL, 0), 0);
        page_writable(page);
        CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L2_TABLE, mfn));
        CHECK_REFUSED(set_gdt(&mfn, 8));
    }
}
