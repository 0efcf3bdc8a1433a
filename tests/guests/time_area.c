/*
 * VCPUOP_register_vcpu_time_memory_area: a second copy of the vCPU's time information, at an address of the guest's choice, which it may show to its
 * user mode. It is written at once, and again when the first copy is. An address that can't be the guest's is refused. Source: vcpu.h.
 */
#include "test.h"
#include "time.h"

static struct vcpu_time_info area;

static s64 registering(u64 address)
{
    struct vcpu_register_time_memory_area where = { .addr.p = address };

    return vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &where);
}

/* Both clocks say the same, but for the time that passes between the two readings. */
static void agree(void)
{
    u64 before = system_time(), here = time_from(&area), after = system_time();

    CHECK(area.version % 2 == 0);
    CHECK(before <= here);
    CHECK(here <= after);
    CHECK_EQ(area.tsc_to_system_mul, shared_info->vcpu_info[0].time.tsc_to_system_mul);
    CHECK_EQ(area.tsc_shift, shared_info->vcpu_info[0].time.tsc_shift);
}

TEST
{
    CHECK_RC(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, NULL), -XEN_EFAULT);
    CHECK_RC(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 1, &area), -XEN_ENOENT);
    CHECK_RC(registering(HYPERVISOR_VIRT_START), -XEN_EFAULT);
    CHECK_RC(registering(0x8000000000000000), -XEN_EFAULT);
    CHECK_EQ(area.tsc_to_system_mul, 0);
    CHECK_RC(registering((u64)&area), 0);
    agree();

    u64 stamp = area.system_time,
        until = system_time() + 60000000000UL; /* it is written anew each second or so */
    while (area.system_time == stamp && system_time() < until)
        yield();
    CHECK(area.system_time > stamp);
    agree();

    CHECK_RC(registering(SCRATCH_VA), 0); /* nothing is there: no harm */
    yield();
    CHECK_RC(registering((u64)&area), 0);
    agree();
}
