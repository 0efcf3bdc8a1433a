/*
 * Both base pointers in one call, as kernels load them at each switch of processes: the usual case, and all that looks like it. What is
 * loaded is held, pinned or not, and only as long; where the second is refused, the first has been done.
 */
#include "test.h"

static u64 *old, *kernel, *user[2];

static u64 *fresh_l4(bool like_old)
{
    u64 *l4 = table_alloc();

    if (like_old) {
        page_writable(l4);
        l4[511] = old[511];
        page_readonly(l4);
    }
    return l4;
}

static s64 load(u64 kernel_mfn, u64 user_mfn, u32 *done)
{
    struct mmuext_op list[2] = {
        { .cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = kernel_mfn },
        { .cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = user_mfn },
    };

    return mmuext_op(list, 2, done, DOMID_SELF);
}

static void pins(u32 cmd)
{
    CHECK_RC(mmuext_one(cmd, ptr_mfn(kernel)), 0);
    CHECK_RC(mmuext_one(cmd, ptr_mfn(user[0])), 0);
    CHECK_RC(mmuext_one(cmd, ptr_mfn(user[1])), 0);
}

static void there_and_back(void)
{
    CHECK_RC(load(ptr_mfn(kernel), ptr_mfn(user[0]), NULL), 0);
    CHECK_RC(load(ptr_mfn(old), ptr_mfn(user[1]), NULL), 0);
}

TEST
{
    u32 done = 7;

    old = (u64 *)start_info->pt_base;
    kernel = fresh_l4(true);
    user[0] = fresh_l4(false);
    user[1] = fresh_l4(false);
    there_and_back(); /* nothing pinned: each is validated and released */
    pins(MMUEXT_PIN_L4_TABLE);
    for (int i = 0; i < 100; i++)
        there_and_back();

    /* The second is none: the first has been done all the same, and the second stays. */
    CHECK_REFUSED(load(ptr_mfn(kernel), foreign_mfn(), &done));
    CHECK_EQ(done, 1);
    CHECK_REFUSED(load(foreign_mfn(), ptr_mfn(user[0]), &done));
    CHECK_EQ(done, 0);

    /* In use only: held. Left: not held. */
    pins(MMUEXT_UNPIN_TABLE);
    CHECK(!page_can_be_written(kernel) && !page_can_be_written(user[1]));
    CHECK(page_can_be_written(user[0]));
    CHECK_RC(load(ptr_mfn(old), ptr_mfn(user[0]), NULL), 0);
    CHECK(page_can_be_written(kernel) && page_can_be_written(user[1]));
    CHECK(!page_can_be_written(user[0]));

    /* One L4 for both, unpinned: it goes when it has been left twice. */
    CHECK_RC(load(ptr_mfn(kernel), ptr_mfn(kernel), NULL), 0);
    CHECK_RC(load(ptr_mfn(kernel), ptr_mfn(kernel), NULL), 0);
    CHECK(!page_can_be_written(kernel));
    CHECK_RC(mmuext_one(MMUEXT_PIN_L4_TABLE, ptr_mfn(user[1])), 0);
    CHECK_RC(load(ptr_mfn(old), ptr_mfn(user[1]), NULL), 0);
    CHECK(page_can_be_written(kernel));
    CHECK_RC(load(ptr_mfn(old), 0, NULL), 0);
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(user[1])), 0);
    CHECK(page_can_be_written(user[1]));
}
