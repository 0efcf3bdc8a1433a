/*
 * The periodic timer: VIRQ_TIMER again and again, no more often than its period says, until it is stopped. (Xen stops it while the
 * vCPU sleeps; so this test only sleeps with a time-out.) Periods below a millisecond are refused. Source: vcpu.h.
 */
#include "test.h"
#include "event.h"
#include "time.h"

#define MS 1000000UL

static volatile u64 ticks;

static void on_timer(u32 port)
{
    (void)port;
    ticks++;
}

static s64 set_periodic(u64 period)
{
    struct vcpu_set_periodic_timer set = { .period_ns = period };

    return vcpu_op(VCPUOP_set_periodic_timer, 0, &set);
}

TEST
{
    events_init();
    s64 port = event_bind_virq(VIRQ_TIMER, 0);
    SETUP(port > 0);
    event_handle((u32)port, on_timer);
    CHECK_RC(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    CHECK_RC(set_periodic(MS - 1), -XEN_EINVAL);
    CHECK_RC(set_periodic(0), -XEN_EINVAL);
    CHECK_RC(vcpu_op(VCPUOP_set_periodic_timer, 0, NULL), -XEN_EFAULT);
    events_on();

    u64 start = system_time();
    CHECK_RC(set_periodic(5 * MS), 0);
    for (u64 i = 0; i < 10000 && ticks < 20; i++)
        sleep_until(system_time() + 5 * MS);
    CHECK(ticks >= 20);
    CHECK(system_time() - start >= 20 * 5 * MS - 5 * MS); /* Xen's first may come a little early */

    ticks = 0; /* and one that never sleeps is interrupted */
    while (ticks < 5)
        __asm__ volatile("pause");
    CHECK_RC(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    u64 stopped = ticks;
    sleep_until(system_time() + 30 * MS);
    CHECK(ticks <= stopped + 1);
}
