/*
 * The one-shot timer, by set_timer_op and by vcpu_op: VIRQ_TIMER comes at its time and not before, once; a time that has passed is now; setting it again forgets the time before; stopped, it doesn't come. Only a vCPU's own can be set. Source: xen.h, vcpu.h.
 */
#include "test.h"
#include "event.h"
#include "time.h"

#define MS 1000000UL

static u32 port;
static volatile u64 fired, fired_at;

static void on_timer(u32 which)
{
    (void)which;
    fired++;
    fired_at = system_time();
}

static s64 set_timer_op(u64 when)
{
    return hypercall(__HYPERVISOR_set_timer_op, when, 0, 0, 0, 0);
}

static s64 set_singleshot(u64 when, u32 flags)
{
    struct vcpu_set_singleshot_timer set = { .timeout_abs_ns = when, .flags = flags };

    return vcpu_op(VCPUOP_set_singleshot_timer, 0, &set);
}

/* Until then the vCPU sleeps, but for upcalls. */
static void wait_until(u64 when)
{
    while (system_time() < when)
        sleep_until(when);
}

/* After `before` times that it has fired. */
static void check_fires_at(u64 when, u64 before)
{
    for (u64 i = 0; i < 1000 && fired == before; i++)
        wait_until(system_time() + 10 * MS);
    CHECK_EQ(fired, before + 1);
    CHECK(fired_at >= when);
    wait_until(system_time() + 20 * MS); /* once */
    CHECK_EQ(fired, before + 1);
}

TEST
{
    events_init();
    s64 bound = event_bind_virq(VIRQ_TIMER, 0);
    SETUP(bound > 0);
    port = (u32)bound;
    event_handle(port, on_timer);
    CHECK_RC(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0); /* Xen starts one */
    events_on();
    wait_until(system_time() + 20 * MS);
    fired = 0;

    u64 when = system_time() + 20 * MS;
    CHECK_RC(set_timer_op(when), 0);
    check_fires_at(when, 0);
    when = system_time() + 20 * MS;
    CHECK_RC(set_singleshot(when, 0), 0);
    check_fires_at(when, 1);
    when = system_time() + 1000 * MS; /* far enough on a slow machine */
    CHECK_RC(set_singleshot(when, VCPU_SSHOTTMR_future), 0);
    check_fires_at(when, 2);

    u64 count = fired;
    CHECK_RC(set_timer_op(1), 0); /* long ago */
    check_fires_at(0, count);
    count = fired;
    CHECK_RC(set_singleshot(1, 0), 0);
    check_fires_at(0, count);
    count = fired;
    CHECK_RC(set_singleshot(1, VCPU_SSHOTTMR_future), 0); /* Xen 4.17 doesn't look at the flag */
    check_fires_at(0, count);

    do { /* stopped in time, or it proves nothing */
        count = fired;
        when = system_time() + 500 * MS;
        CHECK_RC(set_singleshot(when, 0), 0);
        CHECK_RC(vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
        CHECK_RC(set_timer_op(when), 0);
        CHECK_RC(set_timer_op(0), 0);
    } while (system_time() >= when);
    wait_until(system_time() + 700 * MS);
    CHECK_EQ(fired, count);

    u64 first;
    do { /* one timer, not two */
        count = fired;
        first = system_time() + 1000 * MS;
        when = first - 950 * MS;
        CHECK_RC(set_timer_op(first), 0);
        CHECK_RC(set_singleshot(when, 0), 0);
    } while (system_time() >= first);
    check_fires_at(when, count);
    wait_until(first + 100 * MS);
    CHECK_EQ(fired, count + 1);

    CHECK_RC(vcpu_op(VCPUOP_set_singleshot_timer, 0, NULL), -XEN_EFAULT);
    CHECK_RC(vcpu_op(VCPUOP_set_singleshot_timer, 31, NULL), -XEN_ENOENT);
}
