/*
 * Timers set to times that no kernel means: the first nanosecond, the last one, behind the sign bit; periods of nothing, of next to nothing and
 * of centuries. Each is refused or harmless, the clock goes on, and right timers work afterwards. Source: xen.h, vcpu.h.
 */
#include "event.h"
#include "test.h"
#include "time.h"

#define MS 1000000UL

static const u64 odd[] = {
    0,         1,         2,           999,         1UL << 31,   1UL << 32,       1UL << 62,
    1UL << 63, ~0UL >> 1, ~0UL - 1000, ~0UL - 1000, ~0UL - 1000, (1UL << 63) + 1, ~0UL
};
static volatile u64 fired;

static void on_timer(u32 port)
{
    (void)port;
    fired++;
}

static s64 one_shot(u64 when, u32 flags)
{
    struct vcpu_set_singleshot_timer set = { .timeout_abs_ns = when, .flags = flags };

    return vcpu_op(VCPUOP_set_singleshot_timer, 0, &set);
}

static s64 periodic(u64 period)
{
    struct vcpu_set_periodic_timer set = { .period_ns = period };

    return vcpu_op(VCPUOP_set_periodic_timer, 0, &set);
}

static void check_goes_on(void)
{
    u64 start = system_time();

    spin_until(start + MS / 10);
    CHECK(system_time() - start < 1000000 * MS); /* and doesn't jump */
}

static void poll_odd(u64 when)
{
    struct sched_poll poll = { .timeout = when };

    if (when && when < system_time())
        CHECK_RC(sched_op(SCHEDOP_poll, &poll), 0);
}

static void check_works(void)
{
    u64 before = fired, when = system_time() + 5 * MS;

    CHECK_RC(one_shot(when, 0), 0);
    while (system_time() < when || fired == before)
        sleep_until(system_time() + MS);
}

TEST
{
    events_init();
    s64 port = event_bind_virq(VIRQ_TIMER, 0);

    CHECK(port > 0);
    event_handle((u32)port, on_timer);
    events_on();
    CHECK_RC(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        hypercall(__HYPERVISOR_set_timer_op, odd[i], 0, 0, 0, 0);
        check_goes_on();
        one_shot(odd[i], 0);
        one_shot(odd[i], VCPU_SSHOTTMR_future);
        one_shot(odd[i], ~0U);
        check_goes_on();
        periodic(odd[i]);
        check_goes_on();
        poll_odd(odd[i]);
        CHECK_RC(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
        check_works();
    }
}
