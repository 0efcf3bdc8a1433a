/*
 * The idle loop: look for a vCPU here, then on other CPUs, then for domains to tear down, then halt until an interrupt.
 *
 * A CPU says that it is idle before it looks at the other queues; who puts a vCPU into a queue looks for an idle CPU afterwards. So one of them
 * sees the other.
 */
#include "domain/context.h"
#include "domain/reap.h"
#include "domain/run_queue.h"
#include "domain/tick.h"
#include "lib/debug.h"
#include "x86/asm.h"
#include "x86/trap.h"
#include "x86/upcalls.h"

static struct cpumask idle; /* a: CPUs that wait to be called */

/* The TSC when the first guest was entered, where start-up ends; it began at boot_tsc_entry. Read from outside (tests/bench). */
static volatile u64 boot_tsc_first_guest;

s32 idle_take(const struct cpumask *may, u32 except)
{
    for (u32 i = 0; i <= (nr_cpus - 1) / 64; i++) {
        u64 word = __atomic_load_n(&idle.bits[i], __ATOMIC_RELAXED) & may->bits[i];

        if (i == except / 64)
            word &= ~BIT(except % 64);
        if (!word)
            continue;
        u32 cpu = i * 64 + (u32)__builtin_ctzl(word);
        cpumask_clear(&idle, cpu);
        return (s32)cpu;
    }
    return -1;
}

static struct vcpu *find_vcpu(u32 cpu)
{
    struct vcpu *v = sched_choose_idle();

    if (v || nr_cpus == 1)
        return v;
    cpumask_set(&idle, cpu);
    if (sched_steal())
        v = sched_choose_idle();
    return v;
}

static NORETURN void run(struct vcpu *v)
{
    struct cpu *c = this_cpu();

    cpumask_clear(&idle, c->id);
    c->in_guest_hint = 0;
    context_load(v);
    if (!boot_tsc_first_guest)
        boot_tsc_first_guest = rdtsc();
    leave_to_guest();
}

static void halt(struct cpu *c)
{
    timers_idle();
    asm volatile("cli");
    if (!c->work) {
        c->in_guest_hint = 1;
        asm volatile("sti; hlt" ::: "memory");
    } else {
        asm volatile("sti");
    }
}

NORETURN void cpu_idle_loop(void)
{
    struct cpu *c = this_cpu();

    context_idle();
    tick_begin();
    for (;;) {
        u64 work = take_work();

        assert(c->lock_level == 0 && !c->current);
        if (work & WORK_CALL)
            world_join();
        if (work & WORK_TIMER)
            timers_run();
        if (work & (WORK_PIRQ | WORK_NMI))
            tick_devices(work);
        struct vcpu *next = find_vcpu(c->id);
        if (next)
            run(next);
        if (!reap_some())
            halt(c);
    }
}
