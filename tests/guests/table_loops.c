/*
 * Tables that name themselves or each other must not confuse the counting: no endless validation, no page that stays a table for
 * ever.
 *
 * Two L4s that point at each other read-only, then a whole table that names itself at the moment when it is pinned, then the same at
 * the levels below. Writable loops are refused always.
 */
#include "test.h"

static void writable_loop_refused(u32 op)
{
    u64 *table = page_alloc();

    table[5] = pte_make(ptr_mfn(table), PTE_TABLE);
    page_readonly(table);
    CHECK_REFUSED(mmuext_one(op, ptr_mfn(table)));
    CHECK(page_can_be_written(table));
}

TEST
{
    u64 *a = table_alloc(), *b = table_alloc(), *self = page_alloc();

    for (u32 op = MMUEXT_PIN_L1_TABLE; op <= MMUEXT_PIN_L4_TABLE; op++)
        writable_loop_refused(op);

    CHECK_RC(mmuext_one(MMUEXT_PIN_L4_TABLE, ptr_mfn(a)), 0);
    CHECK_RC(mmuext_one(MMUEXT_PIN_L4_TABLE, ptr_mfn(b)), 0);
    CHECK_RC(pte_write(&a[1], pte_make(ptr_mfn(b), PTE_RO_PAGE)), 0);
    CHECK_REFUSED(pte_write(&b[1], pte_make(ptr_mfn(a), PTE_TABLE)));
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(a)), 0);
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(b)), 0);
    CHECK(page_can_be_written(a));
    CHECK(page_can_be_written(b));

    self[7] = pte_make(ptr_mfn(self), PTE_RO_PAGE);
    page_readonly(self);
    CHECK_RC(mmuext_one(MMUEXT_PIN_L4_TABLE, ptr_mfn(self)), 0);
    CHECK(!page_can_be_written(self));
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(self)), 0);
    CHECK(page_can_be_written(self));
}
