/*
 * A system call of guest user mode while the kernel stack that stack_switch named lies in the hypervisor: the end of the domain.
 *
 * stack_switch takes any address; it is used, and checked, when a frame has to go there.
 */
#include "test.h"

TEST
{
    static struct iret_context to_user;
    u64 bad = HYPERVISOR_VIRT_START + GIB(2 * 1024);
    struct user_space space;

    user_space_init(&space);
    SETUP(mmuext_one(MMUEXT_NEW_USER_BASEPTR, space.l4_mfn) == 0);
    to_user = (struct iret_context){ .rip = USER_STACK_TOP - PAGE_SIZE,
                                     .cs = FLAT_USER_CS | 3,
                                     .rflags = 0x202,
                                     .rsp = USER_STACK_TOP,
                                     .ss = FLAT_USER_SS | 3 };
    ((u8 *)space.stack)[0] = 0x0f; /* syscall */
    ((u8 *)space.stack)[1] = 0x05;
    EXPECT_CRASH("a system call with the kernel stack at %#lx", bad);
    stack_switch(FLAT_KERNEL_SS, bad);
    __asm__ volatile("mov %0, %%rsp; mov %1, %%eax; syscall"
                     :
                     : "r"(&to_user), "i"(__HYPERVISOR_iret)
                     : "memory");
    TEST_FAIL("iret came back");
}
