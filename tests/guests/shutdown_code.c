/*
 * SCHEDOP_shutdown_code: the reason is only noted, and the shutdown that follows is for that one, whatever it says itself. The first note counts. Xen's
 * own tools use it when a guest's kernel has crashed but still has a dump to write. Source: sched.h.
 *
 * The end is by the watchdog's reason, which the runner can tell from the power-off that the last call asks for.
 */
#include "test.h"

static s64 note(u32 reason)
{
    struct sched_shutdown s = { .reason = reason };

    return sched_op(SCHEDOP_shutdown_code, &s);
}

TEST
{
    struct sched_shutdown off = { .reason = SHUTDOWN_poweroff };

    CHECK_RC(sched_op(SCHEDOP_shutdown_code, NULL), -XEN_EFAULT);
    CHECK_RC(sched_op(SCHEDOP_shutdown_code, (void *)(HYPERVISOR_VIRT_END - PAGE_SIZE)),
             -XEN_EFAULT);
    EXPECT_CRASH("a shutdown whose reason was noted before: the watchdog's");
    CHECK_RC(note(SHUTDOWN_watchdog), 0);
    CHECK_RC(note(SHUTDOWN_reboot), 0); /* too late */
    sched_op(SCHEDOP_shutdown, &off);
    TEST_FAIL("a shutdown came back");
}
