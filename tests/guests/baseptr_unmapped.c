/*
 * A guest may switch to an L4 that does not map its own code. That is its own fault and its own end, and nobody else's.
 *
 * The next instruction cannot be fetched, nor can the handler of that fault, nor its stack.
 */
#include "test.h"

TEST
{
    u64 *empty = table_alloc();

    EXPECT_CRASH("an empty address space");
    mmuext_one(MMUEXT_NEW_BASEPTR, ptr_mfn(empty));
    TEST_FAIL("still running");
}
