/*
 * An exception without a handler ends the domain: there is nobody to hand it to.
 *
 * set_trap_table(NULL) clears the table. The same must not happen to the machine.
 */
#include "test.h"

TEST
{
    CHECK_RC(set_trap_table(NULL), 0);
    EXPECT_CRASH("ud2 without a handler");
    __asm__ volatile("ud2");
    TEST_FAIL("ud2 went by");
}
