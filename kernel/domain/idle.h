/*
 * A CPU without a vCPU, and what it needs of the run queues (sched.c).
 */
#ifndef KOAN_DOMAIN_IDLE_H
#define KOAN_DOMAIN_IDLE_H

#include "domain/domain.h"
#include "domain/scheduler.h"
#include "domain/timer.h"
#include "x86/lock.h"

/* Locking: (s) lock; (c) only its CPU. */
struct run_queue {
    struct spinlock lock;
    struct sched_queue q; /* s */
    u32 placed;           /* s: vCPUs that belong here, asleep or not */
    bool slice_over;      /* s: of the one that runs */
    u64 slice_ns;         /* s: how long the policy lets it run */
    u64 slice_end;        /* s: system time */
    u64 charged;          /* s: up to when its time has been told to the policy */
    struct timer slice;   /* c */
} ALIGNED(64);

/* Take a CPU of the mask that is idle and hasn't been called yet; -1: none. */
s32 idle_take(const struct cpumask *may);

/* Is this CPU in its idle loop? */
bool idle_here(void);

/* The next vCPU of this CPU's queue, or NULL. */
struct vcpu *sched_choose_idle(void);

/* Bring a vCPU over that waits for another CPU. */
bool sched_steal(void);

#endif
