/*
 * Calls that manage the machine or other domains are not for an unprivileged domain: refused whatever their arguments. With what number
 * depends on what is looked at first; most often it is -EPERM or -ENOSYS.
 *
 * A dom0 may make them, so this is for the others. domctl, sysctl and platform_op look at their argument first; what follows when that
 * is right is in domctl_refused.c.
 */
#include "test.h"

TEST
{
    static const u64 calls[] = { __HYPERVISOR_kexec_op,   __HYPERVISOR_mca,
                                 __HYPERVISOR_tmem_op,    __HYPERVISOR_hvm_op,
                                 __HYPERVISOR_dm_op,      __HYPERVISOR_xsm_op,
                                 __HYPERVISOR_hypfs_op,   __HYPERVISOR_argo_op,
                                 __HYPERVISOR_xenoprof_op };
    static u64 argument[64];
    struct xen_memory_domain first = { .domid = 0 };
    struct sched_remote_shutdown shutdown = { .domain_id = 0, .reason = SHUTDOWN_crash };

    UNPRIVILEGED_ONLY();
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        s64 rc = hypercall(calls[i], (u64)argument, 0, 0, 0, 0),
            other = hypercall(calls[i], 0, 1, ~0UL, 0x123456789000, 0);

        if (rc >= 0 || other >= 0)
            TEST_FAIL("hypercall %lu answers %ld and %ld", calls[i], rc, other);
    }
    CHECK_REFUSED(memory_op(XENMEM_current_reservation, &first));
    CHECK_REFUSED(memory_op(XENMEM_machine_memory_map, argument));
    CHECK_REFUSED(sched_op(SCHEDOP_remote_shutdown, &shutdown));
}
