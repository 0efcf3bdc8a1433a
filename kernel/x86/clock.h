/*
 * Time: system time in nanoseconds since the hypervisor's start, from the TSC, and the wall clock
 * at that start.
 *
 * The scale is the ABI's (struct vcpu_time_info): ns = ((tsc << shift) * mul) >> 32, a negative
 * shift going right; guests compute with the same numbers. All CPUs' TSCs are taken to run
 * together, as they do on every machine of the last ten years.
 */
#ifndef KOAN_X86_CLOCK_H
#define KOAN_X86_CLOCK_H

#include "lib/types.h"
#include "x86/asm.h"

extern u32 clock_mul;    /* r */
extern s8 clock_shift;   /* r */
extern u64 clock_origin; /* r: TSC when system time was 0 */
extern u64 clock_khz;    /* r: TSC ticks a millisecond */

/* System time when the TSC shows `tsc`. */
static ALWAYS_INLINE u64 clock_ns_at(u64 tsc)
{
    u64 delta = tsc - clock_origin;

    delta = clock_shift >= 0 ? delta << clock_shift : delta >> -clock_shift;
    return (u64)((unsigned __int128)delta * clock_mul >> 32);
}

static ALWAYS_INLINE u64 clock_ns(void)
{
    return clock_ns_at(rdtsc());
}

/* Nanoseconds since 1970 when system time was 0: from the CMOS clock (taken to show UTC), unless somebody has set it. */
u64 clock_wall_at_boot(void);
void clock_set_wall(u64 at_boot);

/* Find the TSC's speed; system time 0 is when it showed `origin`. The speed comes from CPUID where
 * it says so, else against the PIT, else against ACPI's timer (`pm_timer`: its port, or 0). */
void clock_init(u64 origin, u16 pm_timer);

/* Wait, for the few places of start-up that must. */
void clock_wait_us(u32 us);

#endif
