/*
 * vcpu_op as far as one vCPU needs it.
 *
 * is_up says 1 for the running vCPU and -ENOENT for ids that the domain doesn't have: Linux asks thousands of times to count its
 * CPUs. Runstates add up; a runstate area is kept up to date. Unknown commands are -ENOSYS. Source: vcpu.h; the checklist, section 6.
 */
#include "test.h"

TEST
{
    static struct vcpu_runstate_info area;
    struct vcpu_register_runstate_memory_area where = { .addr.p = (u64)&area };
    struct vcpu_runstate_info now = { .state = 99 };
    static struct vcpu_guest_context context;

    CHECK_RC(vcpu_op(VCPUOP_is_up, 0, NULL), 1);
    CHECK_RC(vcpu_op(VCPUOP_is_up, 1, NULL), -XEN_ENOENT);
    CHECK_RC(vcpu_op(VCPUOP_is_up, 31, NULL), -XEN_ENOENT);
    CHECK_RC(vcpu_op(VCPUOP_is_up, 32, NULL), -XEN_ENOENT);
    CHECK_RC(vcpu_op(VCPUOP_is_up, 8191, NULL), -XEN_ENOENT);
    CHECK_RC(vcpu_op(VCPUOP_is_up, 0xffffffff, NULL), -XEN_ENOENT);

    CHECK_RC(vcpu_op(VCPUOP_get_runstate_info, 0, &now), 0);
    CHECK_EQ(now.state, RUNSTATE_running);
    CHECK(now.time[RUNSTATE_running] > 0);
    CHECK_RC(vcpu_op(VCPUOP_get_runstate_info, 0, NULL), -XEN_EFAULT);

    CHECK_RC(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where), 0);
    CHECK_EQ(area.state, RUNSTATE_running);
    for (int i = 0; i < 10; i++)
        yield();
    CHECK_EQ(area.state, RUNSTATE_running);
    CHECK_RC(vcpu_op(VCPUOP_get_runstate_info, 0, &now), 0);
    CHECK(area.time[RUNSTATE_running] <=
          now.time[RUNSTATE_running]); /* the area is written when the vCPU starts to run */
    CHECK(area.state_entry_time <= now.state_entry_time);
    where.addr.p = 0;
    CHECK_RC(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where), 0);

    CHECK_REFUSED(vcpu_op(VCPUOP_initialise, 0, &context)); /* it is running */
    CHECK_RC(vcpu_op(99, 0, NULL), -XEN_ENOSYS);
}
