/*
 * An exception in the guest kernel while its stack pointer is not canonical.
 *
 * There is no place to put the frame, so the domain is ended. The hypervisor must find that out with checked accesses: it must not
 * fault there itself, and must not write where the guest could not. Source: "unwritable stack -> crash domain", checklist section 4.
 */
#include "test.h"

TEST
{
    EXPECT_CRASH("rsp %#lx", (u64)(0x0000900000000000));
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"((u64)(0x0000900000000000)));
    TEST_FAIL("the exception was delivered");
}
