/*
 * System time: see time.h. Source: struct vcpu_time_info in Xen's public xen.h.
 */
#include "time.h"

u64 time_from(const volatile struct vcpu_time_info *t)
{
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

u64 system_time(void)
{
    return time_from(&shared_info->vcpu_info[0].time);
}

void sleep_until(u64 when)
{
    struct sched_poll poll = { .timeout = when };

    while (system_time() < when)
        sched_op(SCHEDOP_poll, &poll);
}

void spin_until(u64 when)
{
    while (system_time() < when)
        __asm__ volatile("pause");
}
