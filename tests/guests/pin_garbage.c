/*
 * Validation looks at every entry: one bad one, wherever it stands, and the page does not become a table. What was validated on
 * the way is undone.
 *
 * The bad entry here names a frame that does not exist. If a count were left behind, the page or the good child tables could never
 * be mapped writable again, which is how this test would find it.
 */
#include "test.h"

#define NO_FRAME (BIT(40) - 1) /* a frame number that no machine has */

static void check_level(u32 level, unsigned int bad_index)
{
    u64 *table = page_alloc(), *good = page_alloc();
    u32 op = MMUEXT_PIN_L1_TABLE + level - 1;

    if (level > 1)
        page_readonly(good); /* an empty table of the level below */
    table[3] = pte_make(ptr_mfn(good), level > 1 ? PTE_TABLE : PTE_RW_PAGE);
    table[bad_index] = pte_make(NO_FRAME, PTE_TABLE);
    page_readonly(table);
    CHECK_REFUSED(mmuext_one(op, ptr_mfn(table)));
    CHECK(page_can_be_written(table));
    CHECK(page_can_be_written(good));

    page_writable(table);
    table[bad_index] = 0;
    page_readonly(table);
    CHECK_RC(mmuext_one(op, ptr_mfn(table)), 0);
    CHECK(!page_can_be_written(table));
    if (level > 1)
        CHECK(!page_can_be_written(good));
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(table)), 0);
    CHECK(page_can_be_written(table));
    CHECK(page_can_be_written(good));
}

TEST
{
    static const unsigned int places[] = { 0, 4, 200, 511 };

    for (u32 level = 1; level <= 4; level++)
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
            check_level(level, places[i]);
}
