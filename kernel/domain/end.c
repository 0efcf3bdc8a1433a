/*
 * The end of the run: see end.h. A crashed guest outranks a refused one, a refused one a clean end.
 */
#include "domain/end.h"
#include "lib/panic.h"
#include "x86/power.h"

static bool crashed, refused; /* a */

void end_note(enum domain_end end)
{
    if (end == END_CRASH)
        crashed = true;
    if (end == END_REFUSED)
        refused = true;
}

void end_machine(void)
{
    u32 code = crashed ? END_CODE_CRASHED : refused ? END_CODE_REFUSED : END_CODE_CLEAN;

    printk("all domains have ended: %s\n", crashed   ? "a guest crashed"
                                           : refused ? "an image was refused"
                                                     : "all shut down cleanly");
    machine_end(code);
}
