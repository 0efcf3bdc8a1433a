/*
 * SCHEDOP_pin_override: a privileged vCPU keeps to one CPU for a while, whatever its affinity; once at a time. An unprivileged one may not, and
 * neither of them may ask where it is (VCPUOP_get_physid) unless it can't move. Source: sched.h, vcpu.h.
 */
#include "domctl.h"
#include "test.h"

static s64 override(s32 cpu)
{
    struct sched_pin_override p = { .pcpu = cpu };

    return sched_op(SCHEDOP_pin_override, &p);
}

/* By domctl, for vCPU 0 of domain 0, which is this one. */
static s64 pin(u8 cpus)
{
    u8 map = cpus;
    struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpuaffinity, .domain = 0 };

    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap_hard.bitmap = (u64)&map;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 8;
    return domctl(&op);
}

TEST
{
    struct vcpu_get_physid where = { .phys_id = 99 };

    CHECK_RC(vcpu_op(VCPUOP_get_physid, 1, &where), -XEN_ENOENT);
    if (!guest_is_privileged()) {
        CHECK_RC(override(0), -XEN_EPERM);
        CHECK_RC(override(-1), -XEN_EPERM);
        CHECK_RC(vcpu_op(VCPUOP_get_physid, 0, &where), -XEN_EINVAL);
        return;
    }
    CHECK_RC(sched_op(SCHEDOP_pin_override, NULL), -XEN_EFAULT);
    CHECK_RC(override(-1), -XEN_EINVAL); /* none is on */
    CHECK_RC(override(100000), -XEN_EINVAL);
    CHECK_RC(override(0), 0);
    CHECK_RC(override(0), -XEN_EBUSY);
    for (u32 i = 0; i < 100; i++)
        yield();
    CHECK_RC(override(-1), 0);
    CHECK_RC(override(-1), -XEN_EINVAL);

    if (!cmdline_has("domid=0"))
        return;
    CHECK_RC(pin(1), 0);
    CHECK_RC(vcpu_op(VCPUOP_get_physid, 0, &where), 0);
    CHECK_EQ((u32)where.phys_id, 0); /* the APIC's id of the first CPU */
    CHECK_RC(vcpu_op(VCPUOP_get_physid, 0, NULL), -XEN_EFAULT);
    CHECK_RC(pin(0xff), 0);
}
