/*
 * What a scheduling policy is: which of the units that want a CPU gets it, and for how long.
 *
 * A policy knows nothing of vCPUs, locks or clocks. It sees units (struct vcpu holds one each), the queue of each CPU, and times that it is
 * told; so it compiles on the host, where tests/unit runs it against a simulated clock. The mechanism (sched.c) calls it with the queue
 * locked; two queues are locked where two are named. Nothing a policy does may depend on how many units sleep.
 *
 * Locking: (q) the lock of the queue where the unit belongs; (r) set when it is made; (a) atomic; the rest is named.
 */
#ifndef KOAN_DOMAIN_SCHEDULER_H
#define KOAN_DOMAIN_SCHEDULER_H

#include "lib/heap.h"
#include "lib/list.h"
#include "x86/lock.h"
#include "x86/tlb.h"

#define SCHED_WEIGHT     256 /* of a domain that says nothing else */
#define SCHED_WEIGHT_MAX 65535
#define SCHED_CAP_MAX    (100 * NR_CPUS)
#define SCHED_TIME_MAX   1000000000000UL /* ns */

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
    struct spinlock lock;       /* LOCK_SCHED_GROUP */
    u32 active;                 /* lock: units that run or want to */
};

/* Something that wants to run: a vCPU. */
struct sched_unit {
    struct sched_group *group; /* r */
    struct cpumask affinity;   /* q: CPUs where it may run */
    bool on_cpu;               /* a: a CPU holds its registers: it can't move */
    bool queued;               /* q: in its CPU's queue */
    bool limited;          /* q: of the policy: it may be stopped though nobody else wants to run */
    struct list link;      /* q: of the policy */
    struct heap_node node; /* q: of the policy */
    union {
        struct rr_unit { /* q */
            u64 since;   /* system time: it waits, or has its turn */
        } rr;
        struct bvt_unit {   /* q */
            u64 avt;        /* actual virtual time */
            u64 warp_used;  /* ns that it has run warped this time */
            u64 warp_ended; /* system time */
            bool warped;
        } bvt;
        struct credit_unit { /* q */
            u64 used;        /* its account */
            u64 boost_used;  /* ns that it has run since it woke */
            s64 left;        /* of its cap, in this period, ns */
            u64 period;      /* which one */
            bool boosted;
            bool parked; /* in the list of those whose cap is used up */
        } credit;
    };
};

#define SCHED_NOBODY (~0UL) /* in a queue's `best` */

#define SCHED_CLASSES 4 /* lists of a queue */

/* A CPU as the policies see it. */
struct sched_queue {
    u32 cpu;                          /* r */
    u32 length;                       /* q, read by all: units in it; the running one isn't */
    struct sched_unit *running;       /* q: NULL: idle */
    struct list lists[SCHED_CLASSES]; /* q: of the policy */
    struct heap heap;                 /* q: of the policy */
    u64 now;                          /* q: of the policy: the queue's virtual time */
    u64 best; /* q, read by all: of the policy: the smaller, the more does its first unit deserve a CPU */
    u64 period; /* q: of the policy */
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

    /* It is in the queue, and is to be taken out. */
    void (*dequeue)(struct sched_queue *q, struct sched_unit *u);

    /* It wants no more; it is in no queue, and doesn't run. */
    void (*sleep)(struct sched_queue *q, struct sched_unit *u, u64 now);

    /* The running one has used this CPU for so long since the last call. */
    void (*charge)(struct sched_queue *q, struct sched_unit *u, u64 ran, u64 now);

    /* Take the next one out of a queue that isn't empty, and say for how long it may run. NULL: none may run before so long. */
    struct sched_unit *(*pick)(struct sched_queue *q, u64 now, u64 *slice);

    /* `to` has nothing to do, or less deserving ones: take out one that may run there, or NULL. */
    struct sched_unit *(*steal)(struct sched_queue *q, struct sched_queue *to, u64 now);

    /* A unit that waits for another CPU, whose queue's `best` is smaller than this, deserves this CPU rather than who runs here and who waits. NULL: only an
     * idle CPU takes others'. */
    u64 (*limit)(struct sched_queue *q, u64 now);
};

extern const struct scheduler sched_rr, sched_bvt, sched_credit;

/* May it be taken to that CPU? */
static inline bool sched_may_move(const struct sched_unit *u, const struct sched_queue *to)
{
    return !__atomic_load_n(&u->on_cpu, __ATOMIC_ACQUIRE) && cpumask_test(&u->affinity, to->cpu);
}

/* The first one of a queue's heap, or NULL. */
static inline struct sched_unit *sched_first(const struct sched_queue *q)
{
    return heap_empty(&q->heap) ? NULL : heap_entry(heap_first(&q->heap), struct sched_unit, node);
}

/* Only those at the top of the heap are looked at: they wait longest. */
static inline struct sched_unit *sched_first_to_move(const struct sched_queue *q,
                                                     const struct sched_queue *to)
{
    struct sched_unit *u = sched_first(q);

    if (!u || sched_may_move(u, to))
        return u;
    for (struct heap_node *n = u->node.child; n; n = n->next)
        if (sched_may_move(heap_entry(n, struct sched_unit, node), to))
            return heap_entry(n, struct sched_unit, node);
    return NULL;
}

/* Let the other CPUs see by what the first one is sorted. */
static inline void sched_show_best(struct sched_queue *q)
{
    u64 best = heap_empty(&q->heap) ? SCHED_NOBODY : heap_first(&q->heap)->key;

    __atomic_store_n(&q->best, best, __ATOMIC_RELAXED);
}

#endif
