/*
 * platform_op: the hardware domain sets the wall clock (Xen's public platform.h; abi/platform.h). The order of refusals is Xen's: pointer,
 * version, right.
 */
#include "abi/platform.h"
#include "domain/time.h"
#include "hypercall/handlers.h"
#include "x86/clock.h"

#define NS_PER_S    1000000000UL
#define LAST_SECOND BIT(33) /* nanoseconds since 1970 still fit into a word */

/* All domains see it, each with its own offset. */
static s64 set_time(u64 secs, u32 nsecs, u64 system_time)
{
    if (nsecs >= NS_PER_S || secs >= LAST_SECOND)
        return refuse(-XEN_EINVAL, secs);
    clock_set_wall(secs * NS_PER_S + nsecs - system_time);
    for (struct domain *d = domain_hold_from(0); d; d = domain_hold_next(d))
        time_set_wallclock(d);
    return 0;
}

static s64 run(const struct xen_platform_op *op)
{
    const struct xenpf_settime32 *t32 = &op->u.settime32;
    const struct xenpf_settime64 *t64 = &op->u.settime64;

    switch (op->cmd) {
    case XENPF_settime32:
        return set_time(t32->secs, t32->nsecs, t32->system_time);
    case XENPF_settime64:
        return t64->mbz ? refuse(-XEN_EINVAL, t64->mbz)
                        : set_time(t64->secs, t64->nsecs, t64->system_time);
    default:
        return refuse(-XEN_ENOSYS, op->cmd);
    }
}

s64 hc_platform_op(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct xen_platform_op op;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (!copy_from_guest(&op, arg, sizeof(op)))
        return refuse(-XEN_EFAULT, arg);
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return refuse(-XEN_EACCES, op.interface_version);
    if (!current_domain()->privileged)
        return refuse(-XEN_EPERM, op.cmd);
    return run(&op);
}
