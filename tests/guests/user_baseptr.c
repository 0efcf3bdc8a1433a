/*
 * NEW_USER_BASEPTR: the L4 of guest user mode. It is validated and held while it is set; 0 means none; what is no L4 is refused.
 */
#include "test.h"

TEST
{
    u64 *a = table_alloc(), *plain = page_alloc(), *l1 = table_alloc();

    CHECK_RC(mmuext_one(MMUEXT_NEW_USER_BASEPTR, ptr_mfn(a)), 0);
    CHECK(!page_can_be_written(a));
    CHECK_RC(mmuext_one(MMUEXT_NEW_USER_BASEPTR, ptr_mfn(a)), 0);
    CHECK_REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, ptr_mfn(plain)));
    CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(l1)), 0);
    CHECK_REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, ptr_mfn(l1)));
    CHECK_REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, foreign_mfn()));
    CHECK(!page_can_be_written(a));
    CHECK_RC(mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0), 0);
    CHECK(page_can_be_written(a));
    CHECK_RC(mmuext_one(MMUEXT_NEW_USER_BASEPTR, current_l4()), 0); /* one L4 may serve both */
    CHECK_RC(mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0), 0);
}
