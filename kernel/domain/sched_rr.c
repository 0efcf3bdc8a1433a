/*
 * Round robin: each in turn for the same time. The queue of a CPU is a list; a CPU with nothing to do takes the first of another's list that
 * may move. So does one at the end of a turn, if that one has waited longer than all here: the turns are the machine's, not the CPU's.
 * Weights say nothing here: it is the measure against which the other policies are shown.
 */
#include "domain/scheduler.h"

#define RR_SLICE_NS 10000000UL

static void rr_queue_init(struct sched_queue *q)
{
    list_init(&q->lists[0]);
    q->best = SCHED_NOBODY;
}

/* Let the other CPUs see since when the first one waits. */
static void show_best(struct sched_queue *q)
{
    u64 best = SCHED_NOBODY;

    if (!list_empty(&q->lists[0]))
        best = list_first_entry(&q->lists[0], struct sched_unit, link)->rr.since;
    __atomic_store_n(&q->best, best, __ATOMIC_RELAXED);
}

static void rr_unit_init(struct sched_unit *u)
{
    list_init(&u->link);
}

static bool rr_enqueue(struct sched_queue *q, struct sched_unit *u, enum sched_why why, u64 now)
{
    /* Its turn isn't over; or it has waited longer than all here, or it would not have been moved. So the list stays in the order of the times. */
    if (why == SCHED_PREEMPTED || why == SCHED_MOVED) {
        list_add_front(&q->lists[0], &u->link);
    } else {
        u->rr.since = now;
        list_add_back(&q->lists[0], &u->link);
    }
    show_best(q);
    return false;
}

static void rr_dequeue(struct sched_queue *q, struct sched_unit *u)
{
    list_remove(&u->link);
    show_best(q);
}

static void rr_sleep(struct sched_queue *q, struct sched_unit *u, u64 now)
{
    (void)q, (void)u, (void)now;
}

static void rr_charge(struct sched_queue *q, struct sched_unit *u, u64 ran, u64 now)
{
    (void)q, (void)u, (void)ran, (void)now;
}

static struct sched_unit *rr_pick(struct sched_queue *q, u64 now, u64 *slice)
{
    struct sched_unit *u = list_first_entry(&q->lists[0], struct sched_unit, link);

    list_remove(&u->link);
    show_best(q);
    u->rr.since = now;
    *slice = RR_SLICE_NS;
    return u;
}

/* Since when one must have waited elsewhere to come before all here. Nobody does as long as a turn goes on. */
static u64 rr_limit(struct sched_queue *q, u64 now)
{
    if (q->running && now - q->running->rr.since < RR_SLICE_NS)
        return 0;
    return min(q->best, now);
}

static struct sched_unit *rr_steal(struct sched_queue *q, struct sched_queue *to, u64 now)
{
    u64 limit = rr_limit(to, now);
    struct sched_unit *u;

    list_for_each_entry(u, &q->lists[0], link)
    {
        if (u->rr.since < limit && sched_may_move(u, to)) {
            list_remove(&u->link);
            show_best(q);
            return u;
        }
    }
    return NULL;
}

const struct scheduler sched_rr = {
    .name = "rr",
    .queue_init = rr_queue_init,
    .unit_init = rr_unit_init,
    .enqueue = rr_enqueue,
    .dequeue = rr_dequeue,
    .sleep = rr_sleep,
    .charge = rr_charge,
    .pick = rr_pick,
    .limit = rr_limit,
    .steal = rr_steal,
};
