/*
 * `test=NAME` on Koan's command line: fail on purpose, late in start-up, so that a test can see the report come out.
 *
 *   panic      a panic three calls deep            assert   an assertion that doesn't hold
 *   fault      a store to an address without a page   ud    an invalid instruction
 *   df         the main stack overflows into its guard page: a double fault
 *   lockorder  two locks taken in the wrong order
 *   nested     a fault inside the report of a panic
 *   nmi        an NMI that nobody sent
 *   audit      the frame table is broken in many ways, one after the other; the audit has to find each (selftest_audit.c)
 *   stuck      the boot CPU loops until another one has reported it, then start-up goes on
 *
 * The functions are kept apart (NOINLINE) because the tests look for their names.
 */
#include "debug/nmi.h"
#include "debug/options.h"
#include "debug/panic.h"
#include "debug/say.h"
#include "debug/selftest.h"
#include "lib/debug.h"
#include "lib/string.h"
#include "x86/asm.h"
#include "x86/clock.h"
#include "x86/lock.h"

#define STUCK_MOST_NS 30000000000UL /* give up when nobody reports: about half a minute */

static volatile u32 sink; /* keeps the compiler from seeing through the tests */

static NOINLINE void selftest_panic_inner(u32 n)
{
    if (n == 0)
        panic("test=panic: this was asked for");
    sink = n;
}

static NOINLINE void selftest_panic(void)
{
    selftest_panic_inner(sink);
    sink = 1;
}

static NOINLINE void selftest_assert(void)
{
    assert(sink == 12345);
    sink = 1;
}

static NOINLINE void selftest_fault(void)
{
    *(volatile u64 *)(MMIO_VA - PAGE_SIZE) =
        sink; /* the last page of the frame table's slot: never mapped */
    sink = 1;
}

static NOINLINE void selftest_ud(void)
{
    asm volatile("ud2");
    sink = 1;
}

static NOINLINE u32 selftest_recurse(u32 depth)
{
    volatile u8 fill[256];

    fill[0] = (u8)depth;
    if (depth == ~0U)
        return 0;
    return selftest_recurse(depth + 1) + fill[0];
}

static NOINLINE void selftest_df(void)
{
    sink = selftest_recurse(0);
}

static NOINLINE void selftest_lockorder(void)
{
    static struct spinlock first = SPINLOCK_INIT(LOCK_ALLOC), second = SPINLOCK_INIT(LOCK_DOMAIN);

    spin_lock(&first);
    spin_lock(&second);
    spin_unlock(&second);
    spin_unlock(&first);
}

static NOINLINE void selftest_nested(void)
{
    panic_at((const struct regs *)(MMIO_VA - PAGE_SIZE), NULL, "test=nested: this was asked for");
}

static NOINLINE void selftest_nmi(void)
{
    asm volatile("int $2");
    sink = 1;
}

static NOINLINE void selftest_stuck(void)
{
    u64 start = clock_ns(), flags = interrupts_save();
    u32 before = nmi_reports();

    watchdog_alive(); /* from here on this CPU is watched */
    while (nmi_reports() == before && clock_ns() - start < STUCK_MOST_NS)
        cpu_relax();
    interrupts_restore(flags);
    say("test=stuck: %s\n", nmi_reports() == before ? "nobody reported it" : "going on");
}

static const struct selftest {
    const char *name;
    void (*run)(void);
} selftests[] = {
    { "panic", selftest_panic },   { "assert", selftest_assert },
    { "fault", selftest_fault },   { "ud", selftest_ud },
    { "df", selftest_df },         { "lockorder", selftest_lockorder },
    { "nested", selftest_nested }, { "nmi", selftest_nmi },
    { "stuck", selftest_stuck },   { "audit", selftest_audit },
};

void debug_selftest(void)
{
    if (!selftest_name[0])
        return;
    for (u32 i = 0; i < ARRAY_SIZE(selftests); i++) {
        if (!strcmp(selftests[i].name, selftest_name)) {
            selftests[i].run();
            sink = 1; /* no tail call: this function belongs into the backtrace */
            return;
        }
    }
    say("option test=%s: no such test (kernel/debug/selftest.c lists them); ignored\n",
        selftest_name);
}
