/*
 * MMUEXT_CLEAR_PAGE and COPY_PAGE write whole frames without a mapping. They take writable references for the moment, so a table
 * is safe from them; and only the domain's own frames will do.
 */
#include "test.h"

static s64 copy(u64 to, u64 from)
{
    struct mmuext_op op = { .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = to, .arg2.src_mfn = from };

    return mmuext_op(&op, 1, NULL, DOMID_SELF);
}

TEST
{
    u64 *a = page_alloc(), *b = page_alloc(), *l4 = (u64 *)start_info->pt_base;

    for (int i = 0; i < 512; i++)
        a[i] = (u64)i * 0x0123456789abcdef;
    CHECK_RC(copy(ptr_mfn(b), ptr_mfn(a)), 0);
    CHECK_EQ(memcmp(a, b, PAGE_SIZE), 0);
    CHECK_RC(mmuext_one(MMUEXT_CLEAR_PAGE, ptr_mfn(a)), 0);
    for (int i = 0; i < 512; i++)
        CHECK_EQ(a[i], 0);

    CHECK_REFUSED(mmuext_one(MMUEXT_CLEAR_PAGE, ptr_mfn(l4)));
    CHECK_REFUSED(copy(ptr_mfn(l4), ptr_mfn(a)));
    CHECK_REFUSED(mmuext_one(MMUEXT_CLEAR_PAGE, foreign_mfn()));
    CHECK_REFUSED(copy(foreign_mfn(), ptr_mfn(b)));
    CHECK_REFUSED(copy(ptr_mfn(b), foreign_mfn()));
    CHECK_REFUSED(mmuext_one(MMUEXT_CLEAR_PAGE, BIT(40) - 1));
    CHECK_RC(copy(ptr_mfn(b), ptr_mfn(l4)), 0); /* reading a table is fine */
    CHECK_EQ(b[511] & PTE_ADDRESS, l4[511] & PTE_ADDRESS);
}
