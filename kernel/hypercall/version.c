/*
 * xen_version: what this hypervisor says it is (Xen's public version.h). It is the PV interface of 4.17, and the extra version says Koan.
 *
 * XENVER_version is also the guests' cheapest way into the hypervisor, to have pending events delivered: it comes first.
 */
#include "abi/version.h"
#include "hypercall/handlers.h"
#include "lib/string.h"

#define VERSION (4 << 16 | 17)

#define FEATURES                                                                                   \
    (BIT(XENFEAT_pae_pgdir_above_4gb) | BIT(XENFEAT_mmu_pt_update_preserve_ad) |                   \
     BIT(XENFEAT_highmem_assist) | BIT(XENFEAT_gnttab_map_avail_bits) |                            \
     BIT(XENFEAT_memory_op_vnode_supported) | BIT(XENFEAT_direct_mapped))

/* Copy out a text of fixed size, padded with zeros. */
static s64 answer_text(u64 to, const char *text, size_t size)
{
    char buffer[64] = { 0 };

    strlcpy(buffer, text, min(size, sizeof(buffer)));
    if (!copy_to_guest(to, buffer, min(size, sizeof(buffer))))
        return refuse(-XEN_EFAULT, to);
    return 0;
}

static s64 get_features(u64 arg)
{
    struct xen_feature_info info;

    if (!copy_from_guest(&info, arg, sizeof(info)))
        return refuse(-XEN_EFAULT, arg);
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return refuse(-XEN_EINVAL, info.submap_idx);
    info.submap = FEATURES;
    if (current_domain()->privileged)
        info.submap |= BIT(XENFEAT_dom0);
    return copy_to_guest(arg, &info, sizeof(info)) ? 0 : refuse(-XEN_EFAULT, arg);
}

static s64 compile_info(u64 arg)
{
    struct xen_compile_info info = { .compiler = "gcc " __VERSION__,
                                     .compile_by = "koan",
                                     .compile_domain = "koan" };

    return copy_to_guest(arg, &info, sizeof(info)) ? 0 : refuse(-XEN_EFAULT, arg);
}

static s64 platform_parameters(u64 arg)
{
    struct xen_platform_parameters p = { .virt_start = HYP_VA_START };

    return copy_to_guest(arg, &p, sizeof(p)) ? 0 : refuse(-XEN_EFAULT, arg);
}

s64 hc_xen_version(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    static const u8 no_handle[16];

    (void)a3, (void)a4, (void)a5, (void)a6;
    if (likely((u32)cmd == XENVER_version))
        return VERSION;
    switch ((u32)cmd) {
    case XENVER_extraversion:
        return answer_text(arg, ".0-koan", sizeof(xen_extraversion_t));
    case XENVER_compile_info:
        return compile_info(arg);
    case XENVER_capabilities:
        return answer_text(arg, "xen-3.0-x86_64 ", 64);
    case XENVER_changeset:
        return answer_text(arg, "koan", sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters:
        return platform_parameters(arg);
    case XENVER_get_features:
        return get_features(arg);
    case XENVER_pagesize:
        return PAGE_SIZE;
    case XENVER_guest_handle:
        return copy_to_guest(arg, no_handle, sizeof(no_handle)) ? 0 : refuse(-XEN_EFAULT, arg);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}
