/*
 * The iret hypercall to addresses that are not canonical, or the hypervisor's, in kernel and in user mode, with and without
 * VGCF_in_syscall (which lets the hypervisor use SYSRET).
 *
 * On Intel's CPUs SYSRET to such an address faults in ring 0 with the guest's stack pointer: the best known way to take over a
 * hypervisor (CVE-2012-0217). The guest must get an exception or its failsafe callback, and all else must go on.
 */
#include "test.h"

static struct iret_context context;

static void iret_raw(u64 flags)
{
    context.flags = flags;
    __asm__ volatile("mov %0, %%rsp; mov %1, %%eax; syscall"
                     :
                     : "r"(&context), "i"(__HYPERVISOR_iret)
                     : "memory");
    __builtin_unreachable();
}

static void try(u64 rip, u64 rsp, u64 cs, u64 flags)
{
    context = (struct iret_context){
        .rip = rip, .cs = cs, .rflags = 0x2, .rsp = rsp, .ss = FLAT_KERNEL_SS
    };
    trap_last.vector = -1;
    probe_call(iret_raw, flags);
    if (trap_last.vector != TRAP_GP && trap_last.vector != TRAP_PF &&
        trap_last.vector != TRAP_FAILSAFE)
        TEST_FAIL("rip %#lx cs %#lx flags %#lx: trap %d", rip, cs, flags, trap_last.vector);
    CHECK(xen_version(XENVER_version, NULL) > 0);
}

TEST
{
    static const u64 addresses[] = { 0x0000800000000000, 0x8000000000000000, 0xffff7fffffffffff,
                                     HYPERVISOR_VIRT_START + GIB(2 * 1024) };
    u64 rsp = (u64)page_alloc() + PAGE_SIZE, kernel_stack = (u64)page_alloc() + PAGE_SIZE;
    struct user_space space;

    user_space_init(&space);
    SETUP(mmuext_one(MMUEXT_NEW_USER_BASEPTR, space.l4_mfn) == 0);
    SETUP(stack_switch(FLAT_KERNEL_SS, kernel_stack) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        for (u64 flags = 0; flags <= VGCF_in_syscall; flags += VGCF_in_syscall) {
            try(addresses[i], rsp, FLAT_KERNEL_CS & ~3, flags);
            try(addresses[i], addresses[i], FLAT_USER_CS | 3, flags);
        }
    }
}
