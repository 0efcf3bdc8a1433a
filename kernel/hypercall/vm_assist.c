/*
 * vm_assist: kinds of help that a guest can have switched on (Xen's public xen.h, VMASST_*). The types that only concern 32-bit guests
 * are accepted and do nothing, as in Xen.
 */
#include "hypercall/handlers.h"

/* 4gb_segments(_notify) and pae_extended_cr3 are refused or ignored by Xen for 64-bit guests, and no guest looks at the result. */
s64 hc_vm_assist(u64 cmd, u64 type, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct domain *d = current_domain();

    (void)a3, (void)a4, (void)a5, (void)a6;
    if (type > 63 || !(VM_ASSIST_KNOWN >> type & 1))
        return refuse(-XEN_EINVAL, type);
    switch ((u32)cmd) {
    case VMASST_CMD_enable:
        __atomic_fetch_or(&d->vm_assist, BIT(type), __ATOMIC_RELAXED);
        return 0;
    case VMASST_CMD_disable:
        __atomic_fetch_and(&d->vm_assist, ~BIT(type), __ATOMIC_RELAXED);
        return 0;
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}
