/*
 * sched_op: yield comes back with 0, a command that does not exist is -ENOSYS, and a shutdown without a readable reason does not
 * happen.
 */
#include "test.h"

TEST
{
    for (int i = 0; i < 100; i++)
        CHECK_RC(sched_op(SCHEDOP_yield, NULL), 0);
    CHECK_RC(sched_op(99, NULL), -XEN_ENOSYS);
    CHECK_RC(sched_op(SCHEDOP_shutdown, NULL), -XEN_EFAULT);
    CHECK_RC(sched_op(SCHEDOP_shutdown, (void *)(HYPERVISOR_VIRT_END - PAGE_SIZE)), -XEN_EFAULT);
}
