/*
 * The virtual I/O privilege level: PHYSDEVOP_set_iopl, by the new call and the old one.
 *
 * With level 1 a guest kernel's cli and sti do nothing, as the event mask is what counts; with 0 they are a fault. Above 3 there is
 * none. Linux sets 1 at start. Source: the checklist, sections 3 (call 19 and 33) and 4.
 */
#include "test.h"

static s64 set_iopl(u32 iopl)
{
    struct physdev_set_iopl arg = { .iopl = iopl };

    return physdev_op(PHYSDEVOP_set_iopl, &arg);
}

static s64 set_iopl_compat(u32 iopl)
{
    struct physdev_op arg = { .cmd = PHYSDEVOP_set_iopl, .u.set_iopl.iopl = iopl };

    return hypercall(__HYPERVISOR_physdev_op_compat, (u64)&arg, 0, 0, 0, 0);
}

TEST
{
    u8 *mask = &shared_info->vcpu_info[0].evtchn_upcall_mask;

    CHECK_RC(set_iopl(1), 0);
    CHECK_NO_TRAP(TRY("cli"));
    CHECK_NO_TRAP(TRY("sti"));
    CHECK_EQ(*mask, 1);
    CHECK_RC(set_iopl(0), 0);
    CHECK_TRAP(TRY("cli"), TRAP_GP);
    CHECK_TRAP(TRY("sti"), TRAP_GP);
    CHECK_RC(set_iopl_compat(1), 0);
    CHECK_NO_TRAP(TRY("cli"));
    CHECK_RC(set_iopl(3), 0);
    CHECK_RC(set_iopl(4), -XEN_EINVAL);
    CHECK_RC(set_iopl(0xffffffff), -XEN_EINVAL);
    CHECK_RC(physdev_op(99, mask), -XEN_ENOSYS);
}
