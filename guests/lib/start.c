/*
 * From the first C instruction to main, and the end of the domain.
 */
#include "guest.h"
#include "memory.h"
#include "trap.h"

const struct start_info *start_info;
struct shared_info *shared_info;

/* Its own frame is given up for the mapping of the shared page. */
static u8 shared_info_window[PAGE_SIZE] ALIGNED(PAGE_SIZE);

static void map_shared_info(void)
{
    u64 va = (u64)shared_info_window;
    s64 rc = update_va_mapping(va, start_info->shared_info | PTE_P | PTE_RW | PTE_US, UVMF_INVLPG);

    if (rc)
        guest_panic("shared_info cannot be mapped: %ld", (long)rc);
    shared_info = (struct shared_info *)va;
}

/* The runtime looks at the console ring itself: its events need no upcall, which would meet a guest that expects none. */
static void mask_console(void)
{
    u32 port = guest_is_privileged() ? 0 : start_info->console.domU.evtchn;

    shared_info->evtchn_mask[port / 64] |= BIT(port % 64);
}

/* Called by entry.asm, on the image's own stack. */
void guest_start(const struct start_info *info);

void guest_start(const struct start_info *info)
{
    start_info = info;
    trap_init();
    memory_init();
    map_shared_info();
    mask_console();
    if (main() != 0)
        guest_panic("main failed");
    guest_end();
}

void guest_shutdown(u32 reason)
{
    struct sched_shutdown arg = { .reason = reason };

    for (;;)
        sched_op(SCHEDOP_shutdown, &arg);
}

void guest_end(void)
{
    char how[16] = "poweroff";

    cmdline_value("end", how, sizeof(how));
    if (strcmp(how, "reboot") == 0)
        guest_shutdown(SHUTDOWN_reboot);
    if (strcmp(how, "crash") == 0)
        guest_shutdown(SHUTDOWN_crash);
    guest_shutdown(SHUTDOWN_poweroff);
}
