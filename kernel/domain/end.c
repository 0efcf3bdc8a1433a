/*
 * The end of the run: see end.h. A crashed guest outranks a refused one, a refused one a clean end.
 */
#include "domain/end.h"
#include "lib/panic.h"
#include "x86/clock.h"
#include "x86/console.h"
#include "x86/cpu.h"
#include "x86/power.h"

static bool crashed, refused; /* a */
bool end_report_waits;        /* r */

void end_note(enum domain_end end)
{
    if (end == END_CRASH)
        crashed = true;
    if (end == END_REFUSED)
        refused = true;
}

/* The longest time for which a tick's work had to wait on any CPU. */
static u64 longest_wait_ns(void)
{
    u64 longest = 0;

    for (u32 i = 0; i < nr_cpus; i++)
        longest = max(longest, cpu_of(i)->longest_wait);
    return longest * 1000000 / clock_khz;
}

void end_machine(void)
{
    u32 code = crashed ? END_CODE_CRASHED : refused ? END_CODE_REFUSED : END_CODE_CLEAN;

    printk("all domains have ended: %s\n", crashed   ? "a guest crashed"
                                           : refused ? "an image was refused"
                                                     : "all shut down cleanly");
    if (end_report_waits)
        printk("the longest wait of a tick's work was %lu ns\n", longest_wait_ns());
    console_show_all();
    machine_end(code);
}
