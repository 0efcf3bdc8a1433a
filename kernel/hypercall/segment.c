/*
 * set_gdt(frames, entries), update_descriptor(machine address, descriptor), set_segment_base(which,
 * base).
 */
#include "domain/descriptor.h"
#include "domain/segbase.h"
#include "hypercall/handlers.h"

#define DESCS_PER_PAGE (PAGE_SIZE / sizeof(u64))

s64 hc_set_gdt(u64 list, u64 entries, u64 a3, u64 a4, u64 a5, u64 a6)
{
    u64 frames[FIRST_RESERVED_GDT_PAGE];

    entries = (u32)entries;
    if (entries > FIRST_RESERVED_GDT_ENTRY)
        return refuse(-XEN_EINVAL, entries);
    u64 pages = (entries + DESCS_PER_PAGE - 1) / DESCS_PER_PAGE;
    if (pages && !copy_from_guest(frames, list, pages * sizeof(u64)))
        return refuse(-XEN_EFAULT, list);
    s64 result = descriptor_set_gdt(current_vcpu(), frames, entries);
    if (unlikely(result == -XEN_ERESTART))
        return hypercall_restart(__HYPERVISOR_set_gdt, list, entries, a3, a4, a5, a6);
    return result;
}

s64 hc_update_descriptor(u64 machine_address, u64 desc, u64 a3, u64 a4, u64 a5, u64 a6)
{
    s64 result = descriptor_update(current_vcpu(), machine_address, desc);
    if (unlikely(result == -XEN_ERESTART))
        return hypercall_restart(__HYPERVISOR_update_descriptor, machine_address, desc, a3, a4, a5,
                                 a6);
    return result;
}

s64 hc_set_segment_base(u64 which, u64 base, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct vcpu *v = current_vcpu();

    (void)a3, (void)a4, (void)a5, (void)a6;
    switch ((u32)which) {
    case SEGBASE_FS:
        return segbase_set_fs(v, base) ? 0 : refuse(-XEN_EINVAL, base);
    case SEGBASE_GS_USER:
        return segbase_set_gs_user(v, base) ? 0 : refuse(-XEN_EINVAL, base);
    case SEGBASE_GS_KERNEL:
        return segbase_set_gs_kernel(v, base) ? 0 : refuse(-XEN_EINVAL, base);
    case SEGBASE_GS_USER_SEL:
        segbase_load_gs_user(v, base);
        return 0;
    default:
        return refuse(-XEN_EINVAL, which);
    }
}
