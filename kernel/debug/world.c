/*
 * Stopping the world, by a kick of WORK_CALL: each CPU joins from exit_work or from its idle loop, where it holds nothing, and waits there with
 * interrupts on, so that it still answers TLB flushes.
 *
 * Fields: (a) changed with atomic operations.
 */
#include "debug/world.h"

#include "debug/say.h"
#include "lib/debug.h"
#include "x86/asm.h"
#include "x86/clock.h"
#include "x86/cpu.h"

#define PATIENCE_NS 30000000000UL /* an emulator's CPU may wait long for one of the host's */

static bool owned;  /* a: somebody stops the world, or has stopped it */
static u32 stops;   /* a: odd while the world is to stand still */
static u32 waiting; /* a: CPUs that do */

void world_join(void)
{
    u32 stop = __atomic_load_n(&stops, __ATOMIC_SEQ_CST);

    if (stop % 2 == 0)
        return; /* called off */
    __atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&stops, __ATOMIC_SEQ_CST) == stop) {
        watchdog_alive(); /* an audit of much memory takes its time */
        cpu_relax();
    }
    __atomic_fetch_sub(&waiting, 1, __ATOMIC_SEQ_CST);
    /* A tick that waits for an audit is no long stretch of the hypervisor's own. */
    this_cpu()->work_since = 0;
}

static bool all_wait(u32 wanted)
{
    u64 start = clock_ns();

    while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) != wanted) {
        if (clock_ns() - start > PATIENCE_NS)
            return false;
        cpu_relax();
    }
    return true;
}

bool world_stop(void)
{
    /* Two at once: the second one stands still for the first. */
    while (__atomic_exchange_n(&owned, true, __ATOMIC_SEQ_CST)) {
        world_join();
        cpu_relax();
    }
    if (all_wait(0)) { /* those of the last time have gone */
        __atomic_fetch_add(&stops, 1, __ATOMIC_SEQ_CST);
        for (u32 i = 0; i < nr_cpus; i++)
            if (i != this_cpu()->id)
                cpu_kick(i, WORK_CALL);
        if (all_wait(nr_cpus - 1))
            return true;
        __atomic_fetch_add(&stops, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_store_n(&owned, false, __ATOMIC_SEQ_CST);
    say("not all CPUs came to a stop within 30 seconds\n");
    return false;
}

void world_go(void)
{
    __atomic_fetch_add(&stops, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&owned, false, __ATOMIC_SEQ_CST);
    this_cpu()->work_since = 0;
}
