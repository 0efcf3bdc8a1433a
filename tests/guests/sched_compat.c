/*
 * sched_op_compat, hypercall 6, as NetBSD of old makes it: yield, block, and a shutdown whose reason is the argument itself, not a pointer to it.
 * What came later isn't known there.
 *
 * The end is by the watchdog's reason, which is the one that no other call of this test could bring about: that the runner sees it means that the
 * value has arrived. Source: sched.h.
 */
#include "event.h"
#include "test.h"

static volatile u32 fired;

static void on_event(u32 port)
{
    (void)port;
    fired++;
}

static s64 call(u64 cmd, u64 arg)
{
    return hypercall(__HYPERVISOR_sched_op_compat, cmd, arg, 0, 0, 0);
}

TEST
{
    struct sched_poll poll = { .timeout = 1 };
    struct sched_shutdown shutdown = { .reason = SHUTDOWN_poweroff };

    events_init();
    s64 port = event_bind_ipi(0);
    SETUP(port > 0);
    event_handle((u32)port, on_event);
    events_on();

    for (int i = 0; i < 10; i++)
        CHECK_RC(call(SCHEDOP_yield, 0), 0);
    events_off();
    CHECK_RC(event_send((u32)port), 0);
    CHECK_EQ(fired, 0);
    CHECK_RC(call(SCHEDOP_block, 0), 0); /* something is pending: it comes back at once, unmasked */
    CHECK_EQ(fired, 1);

    CHECK_RC(call(SCHEDOP_poll, (u64)&poll), -XEN_ENOSYS);
    CHECK_RC(call(SCHEDOP_remote_shutdown, (u64)&shutdown), -XEN_ENOSYS);
    CHECK_RC(call(SCHEDOP_shutdown_code, (u64)&shutdown), -XEN_ENOSYS);
    CHECK_RC(call(SCHEDOP_watchdog, 0), -XEN_ENOSYS);
    CHECK_RC(call(SCHEDOP_pin_override, 0), -XEN_ENOSYS);
    CHECK_RC(call(99, 0), -XEN_ENOSYS);

    EXPECT_CRASH("a shutdown by the old call, for the watchdog's reason");
    call(SCHEDOP_shutdown, SHUTDOWN_watchdog);
    TEST_FAIL("the old shutdown came back");
}
