/*
 * The iret hypercall takes its frame from the guest's stack. Where that cannot be read, the domain is ended: there is nothing to go
 * on with.
 *
 * rsp points into the hypervisor's memory, which the hypervisor could read very well.
 */
#include "test.h"

TEST
{
    u64 rsp = HYPERVISOR_VIRT_START + GIB(2 * 1024);

    EXPECT_CRASH("iret with its frame at %#lx", rsp);
    __asm__ volatile("mov %0, %%rsp; mov %1, %%eax; syscall" : : "r"(rsp), "i"(__HYPERVISOR_iret));
    TEST_FAIL("still running");
}
