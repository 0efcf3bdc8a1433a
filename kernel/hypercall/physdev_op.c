/*
 * physdev_op and the old physdev_op_compat as far as an unprivileged guest needs them: its virtual I/O privilege level (Xen's public physdev.h).
 */
#include "abi/physdev.h"
#include "hypercall/handlers.h"

static s64 set_iopl(u64 arg)
{
    struct physdev_set_iopl set;

    if (!copy_from_guest(&set, arg, sizeof(set)))
        return refuse(-XEN_EFAULT, arg);
    if (set.iopl > 3)
        return refuse(-XEN_EINVAL, set.iopl);
    current_vcpu()->ctx.iopl = set.iopl;
    return 0;
}

s64 hc_physdev_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    switch ((u32)cmd) {
    case PHYSDEVOP_set_iopl:
        return set_iopl(arg);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

/* {u32 cmd; union} in memory: the union is aligned to 8. */
s64 hc_physdev_op_compat(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    u32 cmd;

    (void)a6;
    if (!copy_from_guest(&cmd, arg, sizeof(cmd)))
        return refuse(-XEN_EFAULT, arg);
    return hc_physdev_op(cmd, arg + 8, a2, a3, a4, a5);
}
