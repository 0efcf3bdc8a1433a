/*
 * SCHEDOP_block: it unmasks upcalls and sleeps until one is pending; if one is, it comes back at once. A timer wakes it. Time asleep counts as blocked, and
 * the four run-state times add up to the time that has passed, exactly. Source: sched.h, vcpu.h.
 */
#include "test.h"
#include "event.h"
#include "time.h"

#define MS 1000000UL

static volatile u64 fired;

static void on_event(u32 port)
{
    (void)port;
    fired++;
}

static u64 sum(const struct vcpu_runstate_info *info)
{
    return info->time[0] + info->time[1] + info->time[2] + info->time[3];
}

static struct vcpu_runstate_info runstate(void)
{
    struct vcpu_runstate_info info = { .state = 99 };

    CHECK_RC(vcpu_op(VCPUOP_get_runstate_info, 0, &info), 0);
    return info;
}

static void sleep_for(u64 ns)
{
    u64 before = fired;

    events_off(); /* or it might come before the block */
    CHECK_RC(hypercall(__HYPERVISOR_set_timer_op, system_time() + ns, 0, 0, 0, 0), 0);
    CHECK_RC(sched_op(SCHEDOP_block, NULL), 0);
    CHECK_EQ(shared_info->vcpu_info[0].evtchn_upcall_mask, 0); /* block has unmasked */
    CHECK_EQ(fired, before + 1);
}

TEST
{
    events_init();
    CHECK_RC(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0); /* before it can count as an event */
    s64 timer = event_bind_virq(VIRQ_TIMER, 0), ipi = event_bind_ipi(0);
    SETUP(timer > 0 && ipi > 0);
    event_handle((u32)timer, on_event);
    event_handle((u32)ipi, on_event);
    events_on();

    CHECK_RC(event_send((u32)ipi), 0);
    CHECK_EQ(fired, 1);
    events_off();
    CHECK_RC(event_send((u32)ipi), 0); /* pending, and masked */
    CHECK_EQ(fired, 1);
    CHECK_RC(sched_op(SCHEDOP_block, NULL), 0); /* comes back at once, unmasked */
    CHECK_EQ(fired, 2);

    struct vcpu_runstate_info before = runstate();
    u64 start = system_time();
    for (int i = 0; i < 20; i++)
        sleep_for(2 * MS);
    u64 passed = system_time() - start;
    struct vcpu_runstate_info after = runstate();
    CHECK_EQ(after.state, RUNSTATE_running);
    CHECK(passed >= 20 * 2 * MS);
    CHECK(after.time[RUNSTATE_blocked] - before.time[RUNSTATE_blocked] >= 10 * MS);
    CHECK(sum(&after) - sum(&before) >= passed);

    /* The sum is the time since the vCPU was made, always the same time: within what the calls take, and that is exact over all of them. */
    u64 earliest = 0, latest = ~0UL;
    for (int i = 0; i < 30; i++) {
        u64 t0 = system_time();
        struct vcpu_runstate_info now = runstate();
        u64 t1 = system_time();
        earliest = max(earliest, t0 - sum(&now));
        latest = min(latest, t1 - sum(&now));
        if (i % 3 == 0)
            sleep_for(MS);
        else
            yield();
    }
    CHECK(earliest <= latest);
}
