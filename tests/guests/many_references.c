/*
 * Counts: one frame mapped writable many thousand times, and one table named many thousand times, and all of it released again.
 *
 * 32 L1 tables full of writable mappings of one page: 16,384 references. Only when the last is gone can the page become a table.
 * Then one L1 that hangs in each slot of 16 L2 tables.
 */
#include "test.h"

enum { L1S = 32, L2S = 16 };

TEST
{
    u64 *page = page_alloc(), *shared = table_alloc(), *tables[L1S];

    for (int i = 0; i < L1S; i++) {
        tables[i] = page_alloc();
        for (int slot = 0; slot < 512; slot++)
            tables[i][slot] = pte_make(ptr_mfn(page), PTE_RW_PAGE);
        page_readonly(tables[i]);
        CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(tables[i])), 0);
    }
    page_readonly(page);
    for (int i = 0; i < L1S; i++) {
        CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L2_TABLE, ptr_mfn(page)));
        CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(tables[i])), 0);
    }
    CHECK_RC(mmuext_one(MMUEXT_PIN_L2_TABLE, ptr_mfn(page)), 0);
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(page)), 0);

    for (int i = 0; i < L2S; i++) {
        page_writable(tables[i]);
        for (int slot = 0; slot < 512; slot++)
            tables[i][slot] = pte_make(ptr_mfn(shared), PTE_TABLE);
        page_readonly(tables[i]);
        CHECK_RC(mmuext_one(MMUEXT_PIN_L2_TABLE, ptr_mfn(tables[i])), 0);
    }
    for (int i = 0; i < L2S; i++) {
        CHECK(!page_can_be_written(shared));
        CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(tables[i])), 0);
    }
    CHECK(page_can_be_written(shared));
}
