/*
 * Returning to user mode without a user L4 is the end of the domain: there is no address space to go to.
 *
 * Source: "user L4 0 + return to user = domain crash", checklist section 2.
 */
#include "test.h"

TEST
{
    static const struct user_space none = { .l4_mfn = 0 };
    struct trap_frame context;

    CHECK_RC(mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0), 0);
    user_context_init(&context, user_space_init, 0);
    EXPECT_CRASH("iret to user mode without a user L4");
    user_run(&none, &context);
    TEST_FAIL("came back");
}
