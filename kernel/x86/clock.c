/*
 * Time from the TSC: see clock.h. Its speed comes from CPUID leaf 15h (SDM vol. 3, 18.7.3) or is
 * measured.
 *
 * A measurement is made three times and the fastest counts: a host or a system-management interrupt
 * that comes between makes one longer, never shorter.
 */
#include "x86/clock.h"

#include "lib/panic.h"

#define PIT_HZ      1193182
#define PM_TIMER_HZ 3579545
#define MEASURE_HZ  500 /* a measurement takes about 1 / MEASURE_HZ s */
#define ATTEMPTS    3
#define HZ_MIN      1000000UL /* slower or faster than this is no measurement */
#define HZ_MAX      20000000000UL
#define POLLS_MAX   4000000 /* of a timer that should have moved: some seconds on a slow bus */

u32 clock_mul;
s8 clock_shift;
u64 clock_origin;
u64 clock_khz;

static u64 wall_at_boot; /* a: ns */

/* --- the TSC's speed --- */

/* The crystal's speed and its ratio to the TSC, where the CPU knows both. 0: it doesn't. */
static u64 hz_from_cpuid(void)
{
    struct cpuid id;

    if (cpuid(0, 0).eax < 0x15)
        return 0;
    id = cpuid(0x15, 0);
    return id.eax && id.ebx && id.ecx ? (u64)id.ecx * id.ebx / id.eax : 0;
}

/*
 * Channel 2 of the PIT, mode 0: its output, seen in port 0x61 bit 5, rises when the count is
 * through (Intel 8254 data sheet). Bits 0 and 1 of that port are the channel's gate and the
 * speaker. Returns the TSC's speed, 0 if there is no PIT.
 */
static u64 measure_pit(void)
{
    u32 count = PIT_HZ / MEASURE_HZ, polls = 0;
    u64 start, end;

    outb(0x61, (inb(0x61) & ~2) | 1);
    outb(0x43, 0xb0); /* channel 2, both bytes, mode 0 */
    outb(0x42, count & 0xff);
    outb(0x42, count >> 8);
    start = rdtsc();
    if (inb(0x61) & 0x20)
        return 0; /* through at once: nothing counts */
    while (!(inb(0x61) & 0x20))
        if (++polls == POLLS_MAX)
            return 0;
    end = rdtsc();
    return (end - start) * PIT_HZ / count;
}

/* ACPI's timer: 24 bits that count up (ACPI specification, 4.8.2.1). */
static u64 measure_pm_timer(u16 port)
{
    u32 wanted = PM_TIMER_HZ / MEASURE_HZ, polls = 0;
    u32 first = inl(port);
    u64 start, end;

    while (inl(port) == first) /* begin on an edge */
        if (++polls == POLLS_MAX)
            return 0;
    first = inl(port);
    start = rdtsc();
    while (((inl(port) - first) & 0xffffff) < wanted)
        if (++polls == POLLS_MAX)
            return 0;
    end = rdtsc();
    return (end - start) * PM_TIMER_HZ / wanted;
}

static u64 hz_measured(u16 pm_timer)
{
    u64 best = ~0UL;

    for (u32 i = 0; i < ATTEMPTS; i++) {
        u64 hz = measure_pit();

        if (!hz && pm_timer)
            hz = measure_pm_timer(pm_timer);
        if (hz)
            best = min(best, hz);
    }
    return best == ~0UL ? 0 : best;
}

/* mul in [2^31, 2^32) with the shift that goes with it. */
static void set_scale(u64 hz)
{
    clock_khz = hz / 1000;
    clock_shift = 0;
    while (hz > 2000000000UL) {
        hz >>= 1;
        clock_shift--;
    }
    while (hz <= 1000000000UL) {
        hz <<= 1;
        clock_shift++;
    }
    clock_mul = (u32)((1000000000UL << 32) / hz);
}

/* --- the wall clock --- */

static u8 cmos_read(u8 index)
{
    outb(0x70, 0x80 | index);
    return inb(0x71);
}

struct cmos_time {
    u8 second, minute, hour, day, month, year, format;
};

static struct cmos_time cmos_read_time(void)
{
    return (struct cmos_time){ cmos_read(0), cmos_read(2), cmos_read(4),  cmos_read(7),
                               cmos_read(8), cmos_read(9), cmos_read(0xb) };
}

static u8 from_bcd(u8 value)
{
    return (value >> 4) * 10 + (value & 15);
}

/* Days from 1970-01-01 to a date, by counting the months from March on, so that the leap day is the
 * last of its year. */
static u64 days_since_1970(u32 year, u32 month, u32 day)
{
    u32 m = (month + 9) % 12, y = year - (month <= 2);

    return 365UL * y + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

/* Motorola MC146818: register B says whether numbers are binary (bit 2) and hours go to 24 (bit 1);
 * bit 7 of an hour means p.m. */
static u64 cmos_to_seconds(struct cmos_time t)
{
    bool pm = t.hour & 0x80;

    t.hour &= 0x7f;
    if (!(t.format & 4)) {
        t.second = from_bcd(t.second);
        t.minute = from_bcd(t.minute);
        t.hour = from_bcd(t.hour);
        t.day = from_bcd(t.day);
        t.month = from_bcd(t.month);
        t.year = from_bcd(t.year);
    }
    if (!(t.format & 2))
        t.hour = t.hour % 12 + (pm ? 12 : 0);
    if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31)
        return 0; /* no clock */
    return ((days_since_1970(t.year < 70 ? 2000 + t.year : 1900 + t.year, t.month, t.day) * 24 +
             t.hour) *
                60 +
            t.minute) *
               60 +
           t.second;
}

/* A reading that agrees with the next one was not taken in the middle of a change. */
static void read_wall_clock(void)
{
    struct cmos_time a = cmos_read_time(), b;

    for (u32 i = 0; i < 10; i++) {
        b = a;
        a = cmos_read_time();
        if (a.second == b.second && a.minute == b.minute && a.hour == b.hour && a.day == b.day)
            break;
    }
    wall_at_boot = cmos_to_seconds(a) * 1000000000 - clock_ns();
}

u64 clock_wall_at_boot(void)
{
    return __atomic_load_n(&wall_at_boot, __ATOMIC_RELAXED);
}

void clock_set_wall(u64 at_boot)
{
    __atomic_store_n(&wall_at_boot, at_boot, __ATOMIC_RELAXED);
}

void clock_init(u64 origin, u16 pm_timer)
{
    u64 hz = hz_from_cpuid();
    const char *source = "CPUID";

    clock_origin = origin;
    if (!hz) {
        hz = hz_measured(pm_timer);
        source = "measured";
    }
    if (hz < HZ_MIN || hz > HZ_MAX) {
        printk("clock: no timer to measure the TSC by: taken for 1 GHz\n");
        hz = 1000000000;
    }
    set_scale(hz);
    read_wall_clock();
    printk("clock: TSC %lu.%03lu MHz (%s), wall clock %lu s since 1970\n", clock_khz / 1000,
           clock_khz % 1000, source, wall_at_boot / 1000000000);
}

void clock_wait_us(u32 us)
{
    u64 end = clock_ns() + us * 1000UL;

    while (clock_ns() < end)
        cpu_relax();
}
