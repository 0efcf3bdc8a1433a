/*
 * Time: system time in nanoseconds from the shared page, and sleeping until a time.
 */
#ifndef GUEST_TIME_H
#define GUEST_TIME_H

#include "guest.h"

static inline u64 rdtsc(void)
{
    u32 low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

/* From a vcpu_time_info that the hypervisor may be writing. */
u64 time_from(const volatile struct vcpu_time_info *t);

/* System time, by vCPU 0's info: any vCPU may ask. */
u64 system_time(void);

/* Give the CPU away until that system time, whether upcalls are masked or not; one that is pending and not masked ends it, too. */
void sleep_until(u64 when);

/* Keep the CPU busy until then. */
void spin_until(u64 when);

#endif
