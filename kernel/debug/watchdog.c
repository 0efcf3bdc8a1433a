/*
 * The watch over stuck CPUs: each CPU looks at its neighbour's heartbeat on every timer interrupt.
 *
 * A heartbeat counts the times that a CPU came out of the hypervisor's work (or was idle); timer interrupts alone don't count, since the hypervisor
 * runs with interrupts on and a loop in it would be ticked for ever. No call may keep a CPU for longer than some milliseconds, so one whose
 * heartbeat has stood still for STUCK_NS is stuck. It is asked by NMI where it is, once, and the machine goes on. With one CPU the timer
 * interrupt is its own judge: that finds loops with interrupts on only. A CPU that has never come to its heartbeat is still starting up, and has the time that
 * it takes.
 */
#include "debug/nmi.h"
#include "debug/report.h"
#include "lib/debug.h"
#include "x86/clock.h"
#include "x86/cpu.h"

#define STUCK_NS   5000000000UL
#define STUCK_TEXT "has been stuck in the hypervisor for 5 seconds"

/* What each CPU knows of its neighbour. Fields: only that CPU's own. */
static struct watch {
    u32 heartbeat; /* the last that was seen */
    bool told;     /* it has been reported since */
    u64 since;     /* system time when it was new */
} watches[NR_CPUS];

void watchdog_alive(void)
{
    struct cpu *cpu = this_cpu();

    __atomic_store_n(&cpu->heartbeat, cpu->heartbeat + 1, __ATOMIC_RELAXED);
}

void watchdog_tick(const struct regs *regs)
{
    struct cpu *self = this_cpu();
    u32 next = self->id + 1 < nr_cpus ? self->id + 1 : 0;
    const struct cpu *neighbour = cpu_of(next);
    struct watch *watch = &watches[self->id];
    u32 heartbeat = __atomic_load_n(&neighbour->heartbeat, __ATOMIC_RELAXED);
    u64 now = clock_ns();

    if (heartbeat != watch->heartbeat || !heartbeat || !watch->since || neighbour->in_guest_hint) {
        *watch = (struct watch){ .heartbeat = heartbeat, .since = now };
        return;
    }
    if (watch->told || now - watch->since < STUCK_NS)
        return;
    watch->told = true;
    if (next == self->id)
        nmi_answer(regs, STUCK_TEXT);
    else
        nmi_ask(next, STUCK_TEXT);
}
