/*
 * Round robin: each in turn for the same time. The queue of a CPU is a list; a CPU with nothing to do takes the first of another's list that
 * may move. Weights say nothing here: it is the measure against which the other policies are shown.
 */
#include "domain/scheduler.h"

#define RR_SLICE_NS 10000000UL

static void rr_queue_init(struct sched_queue *q)
{
    list_init(&q->lists[0]);
}

static void rr_unit_init(struct sched_unit *u)
{
    list_init(&u->link);
}

static bool rr_enqueue(struct sched_queue *q, struct sched_unit *u, enum sched_why why, u64 now)
{
    (void)now;
    if (why == SCHED_PREEMPTED)
        list_add_front(&q->lists[0], &u->link); /* its turn isn't over */
    else
        list_add_back(&q->lists[0], &u->link);
    return false;
}

static void rr_dequeue(struct sched_queue *q, struct sched_unit *u)
{
    (void)q;
    list_remove(&u->link);
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

    (void)now;
    list_remove(&u->link);
    *slice = RR_SLICE_NS;
    return u;
}

static struct sched_unit *rr_steal(struct sched_queue *q, struct sched_queue *to, u64 now)
{
    struct sched_unit *u;

    (void)now;
    list_for_each_entry(u, &q->lists[0], link)
    {
        if (sched_may_move(u, to)) {
            list_remove(&u->link);
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
    .steal = rr_steal,
};
