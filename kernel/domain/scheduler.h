/*
 * What a scheduling policy is: which of the units that want a CPU gets it, and for how long.
 *
 * A policy knows nothing of vCPUs, locks or clocks. It sees units (struct vcpu holds one each), the queue of each CPU, and times that it is
 * told; so it compiles on the host, where tests/unit runs it against a simulated clock. The mechanism (sched.c) calls it with the queue
 * locked; two queues are locked where two are named. Nothing a policy does may depend on how many units sleep.
 *
 * Locking: (q) the lock of the queue where the unit belongs; (r) set when it is made; (a) atomic.
 */
#ifndef KOAN_DOMAIN_SCHEDULER_H
#define KOAN_DOMAIN_SCHEDULER_H

#include "lib/heap.h"
#include "lib/list.h"
#include "x86/tlb.h"

#define SCHED_WEIGHT 256 /* of a domain that says nothing else */

/* What a domain's owner may ask for. A policy looks at what it knows. */
struct sched_params {
    u32 weight; /* its share of the CPUs, relative to the other domains' (1..65535) */
    u32 cap;    /* at most so many percent of one CPU; 0: no limit (credit) */
    u64 warp; /* how far its virtual time is set ahead when it wakes, in ns of virtual time (bvt); 0: not */
    u64 warp_limit;   /* for so long at once, in ns; 0: without limit */
    u64 unwarp_limit; /* and not again before so long, in ns */
};

/* A domain as the policies see it. */
struct sched_group {
    struct sched_params params; /* a: each field is written at once */
    u32 units;                  /* r: vCPUs that share its weight */
};

/* Something that wants to run: a vCPU. */
struct sched_unit {
    struct sched_group *group; /* r */
    struct cpumask affinity;   /* q: CPUs where it may run */
    bool on_cpu;               /* a: a CPU holds its registers: it can't move */
    bool queued;               /* q: in its CPU's queue */
    struct list link;          /* q: of the policy */
    struct heap_node node;     /* q: of the policy */
};

/* A CPU as the policies see it. */
struct sched_queue {
    u32 cpu;                    /* r */
    u32 length;                 /* q, read by all: units in it; the running one isn't */
    struct sched_unit *running; /* q: NULL: idle */
    struct list list;           /* q: of the policy */
    struct heap heap;           /* q: of the policy */
};

/* Why a unit is put into the queue. */
enum sched_why {
    SCHED_WOKEN,     /* it slept, or is new */
    SCHED_YIELDED,   /* it gave the CPU away */
    SCHED_SLICE,     /* its slice is over */
    SCHED_PREEMPTED, /* it could have gone on, and is to be compared with those that wait */
    SCHED_MOVED,     /* it waited in another CPU's queue */
};

struct scheduler {
    const char *name; /* as `sched=` has it */
    void (*queue_init)(struct sched_queue *q);
    void (*unit_init)(struct sched_unit *u);

    /* The unit wants to run here. True: rather than the one that runs. */
    bool (*enqueue)(struct sched_queue *q, struct sched_unit *u, enum sched_why why, u64 now);

    /* It is in the queue and wants no more. */
    void (*dequeue)(struct sched_queue *q, struct sched_unit *u);

    /* It has used this CPU for so long since the last call. */
    void (*charge)(struct sched_queue *q, struct sched_unit *u, u64 ran, u64 now);

    /* Take the next one out of a queue that isn't empty, and say how long it may run. */
    struct sched_unit *(*pick)(struct sched_queue *q, u64 now, u64 *slice);

    /* Another CPU has nothing to do, or less urgent things: take out one that may run there, or NULL. */
    struct sched_unit *(*steal)(struct sched_queue *q, u32 cpu, u64 now);
};

extern const struct scheduler sched_rr;

/* May it be taken to that CPU? */
static inline bool sched_may_move(const struct sched_unit *u, u32 cpu)
{
    return !__atomic_load_n(&u->on_cpu, __ATOMIC_ACQUIRE) && cpumask_test(&u->affinity, cpu);
}

#endif
