/*
 * For the tests of domain/sched.c and domain/sched_move.c: four CPUs and some vCPUs, on a clock that the test sets. The files are the kernel's own; what
 * they call below (timers, context switch, interrupts, the idle loop) is here, as plain as can be. CPUs work one after the other: turn() is what a
 * CPU does when it is interrupted. Included by one file of a test, as it includes the files that it tests.
 */
#ifndef KOAN_TESTS_SCHED_MACHINE_H
#define KOAN_TESTS_SCHED_MACHINE_H

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "domain/context.h"
#include "domain/domain.h"
#include "domain/time.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/trap.h"

#define CPUS  4
#define VCPUS 12
#define MS    1000000UL

static struct cpu cpus[CPUS];
static u32 on; /* the CPU that works now */
static u64 time_now;
static u64 ran[VCPUS]; /* ns */
static jmp_buf idles;

#define this_cpu()     (&cpus[on])
#define current_vcpu() (cpus[on].current)
#define clock_ns()     (time_now)
#define sched_yield    vcpu_yield /* the C library has one, and calls it */

#include "domain/sched.c"
#include "domain/sched_move.c"

u32 nr_cpus = CPUS;
const struct scheduler *scheduler;

static struct domain domains[VCPUS];
static struct vcpu vcpus[VCPUS];

/* ---- what the kernel's files call ---- */

void cpu_kick(u32 id, u64 work)
{
    cpus[id].work |= work;
}

/* Whoever is idle. */
s32 idle_take(const struct cpumask *may, u32 except)
{
    for (u32 i = 0; i < CPUS; i++)
        if (i != except && cpumask_test(may, i) && !cpus[i].current)
            return (s32)i;
    return -1;
}

void timers_init(void)
{
}

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
    *t = (struct timer){ .fire = fire };
}

void timer_set(struct timer *t, u64 when)
{
    t->node.key = when;
    t->queued = true;
}

void runstate_change(struct vcpu *v, u32 state, u64 now)
{
    if (v->runstate == RUNSTATE_running)
        ran[v->id] += now - v->runstate_since;
    v->runstate = state;
    v->runstate_since = now;
}

void runstate_get(struct vcpu *v, struct vcpu_runstate_info *info)
{
    (void)v, (void)info;
}

void sched_poll_ends(struct vcpu *v)
{
    (void)v;
}

void context_save(struct vcpu *v, const struct regs *regs)
{
    (void)regs;
    ck_assert_ptr_eq(v, cpus[on].current);
}

/* A vCPU runs in one place only, and where it may. */
void context_load(struct vcpu *v)
{
    for (u32 i = 0; i < CPUS; i++)
        ck_assert(i == on || cpus[i].current != v);
    ck_assert(cpumask_test(&v->unit.affinity, on));
    ck_assert_uint_eq(v->cpu, on);
    cpus[on].current = v;
}

NORETURN void cpu_idle_loop(void)
{
    abort();
}

NORETURN void run_on_empty_stack(void (*f)(void))
{
    ck_assert(f == cpu_idle_loop);
    longjmp(idles, 1);
}

/* ---- the machine ---- */

/* As domain/idle.c: a vCPU from here, or else from another CPU. */
static inline void look_for_work(void)
{
    struct vcpu *v = sched_choose_idle();

    if (!v && sched_steal())
        v = sched_choose_idle();
    if (v)
        context_load(v);
}

/* The CPU has been interrupted. */
static inline void turn(u32 cpu)
{
    on = cpu;
    cpus[cpu].work = 0;
    if (cpus[cpu].current && !setjmp(idles)) {
        schedule(NULL);
        return;
    }
    cpus[on].current = NULL;
    look_for_work();
}

/* All that CPUs have been asked for, until nobody asks any more. */
static inline void settle(void)
{
    for (u32 i = 0, quiet = 0; quiet < CPUS; i = (i + 1) % CPUS) {
        quiet = cpus[i].work ? 0 : quiet + 1;
        if (cpus[i].work)
            turn(i);
    }
}

/* So many milliseconds: slices end, idle CPUs look around. */
static inline void run_ms(u64 ms)
{
    while (ms--) {
        time_now += MS;
        for (u32 i = 0; i < CPUS; i++) {
            struct timer *slice = &run_queues[i].slice;

            on = i;
            if (slice->queued && slice->node.key <= time_now) {
                slice->queued = false;
                slice->fire(slice);
            }
            if (!cpus[i].current)
                cpus[i].work = WORK_RESCHED;
        }
        settle();
    }
}

static inline struct cpumask mask_of(u64 bits)
{
    return (struct cpumask){ .bits = { bits } };
}

/* May run on these CPUs only. */
static inline void confine(struct vcpu *v, u64 bits)
{
    struct cpumask mask = mask_of(bits);

    ck_assert(sched_set_affinity(v, &mask));
}

/* A vCPU of each domain, all of them down, and idle CPUs. */
static inline void setup(const struct scheduler *policy)
{
    memset(cpus, 0, sizeof(cpus));
    memset(run_queues, 0, sizeof(run_queues));
    memset(domains, 0, sizeof(domains));
    memset(vcpus, 0, sizeof(vcpus));
    memset(ran, 0, sizeof(ran));
    time_now = 1000 * MS;
    scheduler = policy;
    sched_init();
    for (u32 i = 0; i < CPUS; i++)
        cpus[i].id = i;
    for (u32 i = 0; i < VCPUS; i++) {
        domains[i].sched = (struct sched_group){ .params.weight = SCHED_WEIGHT,
                                                 .lock = SPINLOCK_INIT(LOCK_SCHED_GROUP) };
        vcpus[i].domain = &domains[i];
        vcpus[i].id = i;
        vcpus[i].runstate = RUNSTATE_offline;
        sched_init_vcpu(&vcpus[i]);
    }
}

/* What must hold whenever no CPU is at work: each belongs to one CPU, and stands where it says. */
static inline void check_machine(void)
{
    u32 placed = 0, queued = 0, waits = 0;

    for (u32 i = 0; i < CPUS; i++) {
        placed += run_queues[i].placed;
        queued += run_queues[i].q.length;
        ck_assert(!run_queues[i].lock.taken);
    }
    for (u32 i = 0; i < VCPUS; i++) {
        const struct vcpu *v = &vcpus[i];

        waits += v->unit.queued;
        ck_assert_int_eq(v->unit.queued, v->state == VCPU_RUNNABLE);
        ck_assert_int_eq(v->state == VCPU_RUNNING, cpus[v->cpu].current == v);
        ck_assert(v->waits || v->state == VCPU_RUNNABLE || v->state == VCPU_RUNNING);
        ck_assert(v->waits & WAIT_MOVE || v->state == VCPU_RUNNING ||
                  cpumask_test(&v->unit.affinity, v->cpu));
    }
    ck_assert_uint_eq(placed, VCPUS);
    ck_assert_uint_eq(queued, waits);
}

#endif
