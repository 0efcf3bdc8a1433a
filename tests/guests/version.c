/*
 * xen_version: who is there, what it can do. Every guest decides by these answers which parts of the interface it uses.
 *
 * Version 4.17. Features: bits 5, 6, 7, 13 and 17 are set, for the hardware domain 11 besides; 0, 1, 2, 3 and 8 must be clear, for
 * they would promise another kind of guest. Bit 4 follows vm_assist type 3 (on Xen; it may be set always). Source: version.h; the checklist, section 3.
 */
#include "test.h"

TEST
{
    static char text[1024];
    struct xen_feature_info features = { .submap_idx = 0 };
    struct xen_platform_parameters platform = { 0 };
    xen_domain_handle_t handle;
    u32 wanted = BIT(5) | BIT(6) | BIT(7) | BIT(13) | BIT(17);

    CHECK_RC(xen_version(XENVER_version, NULL), 4 << 16 | 17);
    CHECK_RC(xen_version(XENVER_pagesize, NULL), 4096);
    CHECK_RC(xen_version(XENVER_extraversion, text), 0);
    CHECK(strnlen(text, 16) < 16);
    CHECK_RC(xen_version(XENVER_compile_info, text), 0);
    CHECK_RC(xen_version(XENVER_changeset, text), 0);
    CHECK_RC(xen_version(XENVER_guest_handle, handle), 0);

    CHECK_RC(xen_version(XENVER_capabilities, text), 0);
    CHECK(strnlen(text, sizeof(text)) < sizeof(text));
    CHECK(memcmp(text, "xen-3.0-x86_64 ", 15) == 0);

    CHECK_RC(xen_version(XENVER_get_features, &features), 0);
    CHECK_EQ(features.submap & ~(u32)(BIT(4) | BIT(11)), wanted);
    CHECK_RC(vm_assist(VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3), 0);
    CHECK_RC(xen_version(XENVER_get_features, &features), 0);
    CHECK_EQ(features.submap & BIT(4), BIT(4));
    CHECK(guest_is_privileged() || !(features.submap & BIT(11)));
    features.submap_idx = 1;
    CHECK_RC(xen_version(XENVER_get_features, &features), -XEN_EINVAL);

    CHECK_RC(xen_version(XENVER_platform_parameters, &platform), 0);
    CHECK_EQ(platform.virt_start, HYPERVISOR_VIRT_START);

    CHECK_RC(xen_version(99, text), -XEN_ENOSYS);
    CHECK_RC(xen_version(XENVER_capabilities, NULL), -XEN_EFAULT);
    CHECK_RC(xen_version(XENVER_get_features, (void *)0x123456789000), -XEN_EFAULT);
}
