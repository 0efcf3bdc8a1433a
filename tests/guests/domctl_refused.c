/*
 * domctl, sysctl and platform_op are for privileged domains. Each sub-operation of an unprivileged one is refused.
 *
 * The order of the checks shows: a pointer that can't be followed is -EFAULT, another version of the interface -EACCES, a domain that
 * isn't there -ESRCH, and only then comes -EPERM. Nothing may have happened: the domain asks to be destroyed, paused and so on itself.
 */
#include "abi/platform.h"
#include "domctl.h"
#include "test.h"

#define NO_SUCH_DOMAIN 0x7fe0

static const u32 domctls[] = {
    XEN_DOMCTL_createdomain,    XEN_DOMCTL_destroydomain,     XEN_DOMCTL_pausedomain,
    XEN_DOMCTL_unpausedomain,   XEN_DOMCTL_getdomaininfo,     XEN_DOMCTL_setvcpuaffinity,
    XEN_DOMCTL_max_mem,         XEN_DOMCTL_setvcpucontext,    XEN_DOMCTL_getvcpucontext,
    XEN_DOMCTL_getvcpuinfo,     XEN_DOMCTL_max_vcpus,         XEN_DOMCTL_scheduler_op,
    XEN_DOMCTL_setdomainhandle, XEN_DOMCTL_hypercall_init,    XEN_DOMCTL_settimeoffset,
    XEN_DOMCTL_getvcpuaffinity, XEN_DOMCTL_set_address_size,  XEN_DOMCTL_get_address_size,
    XEN_DOMCTL_settscinfo,      XEN_DOMCTL_getpageframeinfo3, XEN_DOMCTL_setnodeaffinity,
    XEN_DOMCTL_getnodeaffinity, XEN_DOMCTL_get_cpu_policy,    XEN_DOMCTL_set_cpu_policy,
};

static const u32 sysctls[] = {
    XEN_SYSCTL_readconsole,       XEN_SYSCTL_physinfo,   XEN_SYSCTL_sched_id,
    XEN_SYSCTL_getdomaininfolist, XEN_SYSCTL_availheap,  XEN_SYSCTL_cputopoinfo,
    XEN_SYSCTL_numainfo,          XEN_SYSCTL_cpupool_op,
};

static u16 own_id(void)
{
    char text[8] = "";
    u16 id = 0;

    SETUP(cmdline_value("domid", text, sizeof(text)));
    for (const char *c = text; *c; c++)
        id = (u16)(id * 10 + (*c - '0'));
    return id;
}

static void check_pointers_and_versions(u64 call)
{
    static u32 other_version[64] = { 1, 0x7777 };

    CHECK_RC(hypercall(call, 0x123456789000, 0, 0, 0, 0), -XEN_EFAULT);
    CHECK_RC(hypercall(call, HYPERVISOR_VIRT_END - 8, 0, 0, 0, 0), -XEN_EFAULT);
    CHECK_RC(hypercall(call, (u64)other_version, 0, 0, 0, 0), -XEN_EACCES);
}

TEST
{
    struct xen_platform_op platform = { .cmd = XENPF_settime64,
                                        .interface_version = XENPF_INTERFACE_VERSION };

    check_pointers_and_versions(__HYPERVISOR_domctl);
    check_pointers_and_versions(__HYPERVISOR_sysctl);
    check_pointers_and_versions(__HYPERVISOR_platform_op);
    UNPRIVILEGED_ONLY();
    for (size_t i = 0; i < ARRAY_SIZE(domctls); i++) {
        struct xen_domctl op = { .cmd = domctls[i], .domain = own_id() };
        if (domctl(&op) != -XEN_EPERM)
            TEST_FAIL("domctl %u on itself answers %ld", domctls[i], domctl(&op));
        op.domain = 0;
        if (domctl(&op) != -XEN_EPERM && domctl(&op) != -XEN_ESRCH)
            TEST_FAIL("domctl %u on domain 0 answers %ld", domctls[i], domctl(&op));
    }
    CHECK_RC(domctl_plain(XEN_DOMCTL_destroydomain, NO_SUCH_DOMAIN), -XEN_ESRCH);
    for (size_t i = 0; i < ARRAY_SIZE(sysctls); i++) {
        struct xen_sysctl op = { .cmd = sysctls[i] };
        if (sysctl(&op) != -XEN_EPERM)
            TEST_FAIL("sysctl %u answers %ld", sysctls[i], sysctl(&op));
    }
    CHECK_RC(hypercall(__HYPERVISOR_platform_op, (u64)&platform, 0, 0, 0, 0), -XEN_EPERM);
}
