/*
 * A machine of simulated CPUs for scheduling policies: what kernel/domain/sched.c does with a policy, without vCPUs, and on a clock that jumps from one
 * event to the next.
 *
 * A task runs for `burst` ns and then sleeps for `rest` ns, again and again; burst 0: it never sleeps.
 */
#ifndef KOAN_TESTS_SCHED_SIM_H
#define KOAN_TESTS_SCHED_SIM_H

#include "domain/scheduler.h"

#define SIM_MS        1000000UL
#define SIM_S         1000000000UL
#define SIM_CPUS_MAX  8
#define SIM_TASKS_MAX 600

struct sim_task {
    struct sched_unit unit;
    u64 burst, rest;
    u32 cpu;
    bool awake, running;
    bool yields;     /* gives its CPU away whenever it gets it */
    u64 left;        /* of its burst */
    u64 wakes;       /* when it sleeps: until then */
    u64 woken;       /* when it woke last */
    bool waits;      /* it has woken and not run yet */
    u64 ran;         /* all in all */
    u64 latency;     /* longest time from waking to running */
    u64 waited_from; /* since when it is runnable and doesn't run */
    u64 starved;     /* longest time of that */
    u64 turns;       /* times that it got a CPU */
};

struct sim {
    const struct scheduler *policy;
    u64 now;
    u64 switches;
    struct sched_queue queues[SIM_CPUS_MAX];
    u64 slice_end[SIM_CPUS_MAX], slice[SIM_CPUS_MAX], charged[SIM_CPUS_MAX];
    u64 idle_ns;
    struct sim_task tasks[SIM_TASKS_MAX];
    u32 count;
};

void sim_init(struct sim *s, const struct scheduler *policy, u32 cpus);

struct sched_group *sim_group(u32 weight);

/* A task of a group that wakes at `start`. */
struct sim_task *sim_task(struct sim *s, struct sched_group *g, u64 burst, u64 rest, u64 start);

void sim_run(struct sim *s, u64 ns);

#endif
