/*
 * An exception while the guest kernel's stack is a page table: read-only for the guest, and so for the hypervisor on its behalf.
 *
 * Writing the frame there would let the guest write its own page tables. The domain is ended.
 */
#include "test.h"

TEST
{
    u64 *l2 = (u64 *)((u64)pte_of((u64)&test_result, 2) & PAGE_MASK), before = l2[100];

    EXPECT_CRASH("the stack is an L2 table");
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(&l2[200]));
    TEST_FAIL("the exception was delivered; %#lx", before);
}
