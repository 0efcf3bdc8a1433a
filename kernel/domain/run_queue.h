/*
 * The run queues, for the files of the mechanism only: sched.c (who sleeps, who runs), sched_move.c (who changes CPUs), sched_params.c (what domains
 * ask for), idle.c.
 */
#ifndef KOAN_DOMAIN_RUN_QUEUE_H
#define KOAN_DOMAIN_RUN_QUEUE_H

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

extern struct run_queue run_queues[NR_CPUS];
extern const struct scheduler *scheduler; /* r */

static inline struct vcpu *vcpu_of(struct sched_unit *u)
{
    return container_of(u, struct vcpu, unit);
}

/* The queue where a vCPU belongs, locked. */
struct run_queue *lock_queue_of(const struct vcpu *v);

/* The policy's queue, with the counts that everybody reads. True: rather than the one that runs. */
bool queue_insert(struct run_queue *rq, struct vcpu *v, enum sched_why why, u64 now);

/* The policy has taken it out. */
void queue_taken_out(struct run_queue *rq, struct sched_unit *u);

/* Tell the policy what the running one has used. */
void queue_charge(struct run_queue *rq, u64 now);

/* ---- sched_move.c ---- */

/* Of the CPUs where it may run, the one with the fewest. */
u32 sched_best_cpu(const struct cpumask *may);

/* Give a vCPU that sleeps because of WAIT_MOVE another CPU. Who calls first does it. */
void sched_relocate(struct vcpu *v);

/* Something more urgent than what is here may wait for another CPU: bring it here. */
void sched_balance(struct run_queue *rq);

/* This CPU has nothing: bring a vCPU over that waits for another one. */
bool sched_steal(void);

/* ---- idle.c ---- */

/* Take a CPU of the mask, but not this one, that is idle and hasn't been called yet; -1: none. */
s32 idle_take(const struct cpumask *may, u32 except);

/* The next vCPU of this CPU's queue, or NULL: for the idle loop. */
struct vcpu *sched_choose_idle(void);

#endif
