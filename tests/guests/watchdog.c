/*
 * SCHEDOP_watchdog: two timers that end the domain unless it sets them again in time. Here they are set, set again and stopped, and at last
 * one is left alone. Source: sched.h.
 */
#include "test.h"
#include "time.h"

static s64 watchdog(u32 id, u32 seconds)
{
    struct sched_watchdog w = { .id = id, .timeout = seconds };

    return sched_op(SCHEDOP_watchdog, &w);
}

TEST
{
    CHECK_RC(sched_op(SCHEDOP_watchdog, NULL), -XEN_EFAULT);
    CHECK_RC(watchdog(1, 5), -XEN_EINVAL); /* not in use */
    CHECK_RC(watchdog(3, 5), -XEN_EINVAL);
    CHECK_RC(watchdog(~0U, 5), -XEN_EINVAL);
    s64 first = watchdog(0, 5), second = watchdog(0, 1000);
    CHECK(first > 0 && second > 0 && first != second);
    CHECK_EQ((u32)watchdog(0, 5),
             (u32)-XEN_ENOSPC); /* Xen answers it without a sign in the upper half */

    u64 until = system_time() + 6000000000UL; /* longer than a time-out, but it is put off */
    while (system_time() < until) {
        CHECK_RC(watchdog((u32)first, 5), 0);
        yield();
    }
    CHECK_RC(watchdog((u32)first, 0), 0);
    CHECK_RC(watchdog((u32)first, 5), -XEN_EINVAL);
    CHECK_RC(watchdog(0, 1000), first);
    CHECK_RC(watchdog((u32)first, 0), 0);
    EXPECT_CRASH("a watchdog that is left alone");
    CHECK_RC(watchdog((u32)second, 1), 0);
    for (;;)
        yield();
}
