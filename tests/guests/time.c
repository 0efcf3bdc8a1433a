/*
 * System time from the shared page: tsc, scale and shift give nanoseconds that never go back, also across turns of other domains.
 *
 * rdtsc works in the guest; the version is even when the guest looks at rest. No length of time is asserted, only the order.
 */
#include "test.h"

static u64 rdtsc(void)
{
    u32 low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

static u64 system_time(void)
{
    const volatile struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
    u64 ns;
    u32 version;

    do {
        version = t->version;
        __asm__ volatile("" : : : "memory");
        u64 ticks = rdtsc() - t->tsc_timestamp;

        ticks = t->tsc_shift < 0 ? ticks >> -t->tsc_shift : ticks << t->tsc_shift;
        ns = t->system_time + (u64)((unsigned __int128)ticks * t->tsc_to_system_mul >> 32);
        __asm__ volatile("" : : : "memory");
    } while ((version & 1) || version != t->version);
    return ns;
}

TEST
{
    u64 before = system_time(), first = before;

    for (int i = 0; i < 2000; i++) {
        if (i % 20 == 0)
            yield();
        u64 now = system_time();
        if (now < before)
            TEST_FAIL("time went from %lu back to %lu", before, now);
        before = now;
    }
    CHECK(before > first);
}
