/*
 * Pointer arguments that cannot be followed are -EFAULT, whatever the call: not mapped, not canonical, not writable where the call
 * writes, and above all in the hypervisor's own part of the address space, which the hypervisor could follow very well.
 *
 * Also a struct that begins in the guest's part and ends in the hypervisor's, or beyond the end of the address space.
 */
#include "test.h"

static bool may_use_console_io;

static void check_pointer(u64 p)
{
    CHECK_RC(xen_version(XENVER_get_features, (void *)p), -XEN_EFAULT);
    CHECK_RC(xen_version(XENVER_capabilities, (void *)p), -XEN_EFAULT);
    if (may_use_console_io)
        CHECK_RC(console_io(CONSOLEIO_write, 8, (char *)p), -XEN_EFAULT);
    CHECK_RC(mmu_update((struct mmu_update *)p, 1, NULL, DOMID_SELF), -XEN_EFAULT);
    CHECK_RC(mmuext_op((struct mmuext_op *)p, 1, NULL, DOMID_SELF), -XEN_EFAULT);
    CHECK_RC(multicall((struct multicall_entry *)p, 1), -XEN_EFAULT);
    CHECK_RC(set_trap_table((struct trap_info *)p), -XEN_EFAULT);
    CHECK_RC(set_gdt((u64 *)p, 16), -XEN_EFAULT);
    CHECK_RC(memory_op(XENMEM_current_reservation, (void *)p), -XEN_EFAULT);
    CHECK_RC(sched_op(SCHEDOP_shutdown, (void *)p), -XEN_EFAULT);
    CHECK_RC(callback_op(CALLBACKOP_register, (void *)p), -XEN_EFAULT);
    CHECK_RC(vcpu_op(VCPUOP_register_vcpu_info, 0, (void *)p), -XEN_EFAULT);
    CHECK_RC(physdev_op(PHYSDEVOP_set_iopl, (void *)p), -XEN_EFAULT);
}

TEST
{
    u64 read_only = (u64)table_alloc();

    may_use_console_io = console_io(CONSOLEIO_write, 0, NULL) == 0;

    check_pointer(0x123456789000);     /* no table there */
    check_pointer(0x0000800000000000); /* the first that is not canonical */
    check_pointer(0x5a5a5a5a5a5a5a5a);
    check_pointer(0x00007ffffffffffd); /* runs into the part that is not canonical */
    check_pointer(HYPERVISOR_VIRT_START + GIB(2 * 1024));
    check_pointer(0xffff81c000000000);
    check_pointer(HYPERVISOR_VIRT_END - 8);
    check_pointer(~0UL - 3); /* wraps round */
    CHECK_RC(xen_version(XENVER_get_features, (void *)read_only), -XEN_EFAULT);
    CHECK_RC(xen_version(XENVER_capabilities, (void *)MACH2PHYS_VIRT_START), -XEN_EFAULT);
}
