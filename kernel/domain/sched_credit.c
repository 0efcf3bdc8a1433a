/*
 * Credit: weights that hold for the whole machine, caps, balancing over CPUs, a boost for who wakes. It serves the purposes of Xen's credit schedulers;
 * the accounts are kept otherwise, so that nobody ever walks over all units.
 *
 * A unit's account counts what it has used: ns on a CPU, the dearer the smaller its weight is (the units of a group share its weight). The smaller the
 * account, the more credit it has: the smallest runs next, for a slice. While a CPU runs, the least account among those that want it grows; that
 * is q->now, and q->now minus a unit's account is its credit. Credit is bounded: who wakes has none left over from sleep, only a boost, which puts it before
 * all others for a moment unless it has had more than its turn lately; who comes from another CPU brings at most CREDIT_MAX.
 *
 * Accounts of all CPUs are comparable. So a CPU looks at the others' smallest account before it goes on, and takes the unit over if that is much smaller
 * than its own smallest one. That makes weights hold for the machine; a unit whose weight is worth more than a CPU simply has one for itself.
 *
 * A cap is a second account: in each period the group gets so many ns for its units that want to run; one that has used them up is parked till
 * the next period, even if the CPU has nothing else to do.
 */
#include "domain/scheduler.h"

#define SLICE_NS     5000000UL
#define SLICE_MIN_NS 100000L     /* of one whose cap runs out */
#define PERIOD_NS    10000000L   /* of caps */
#define BOOST_NS     1000000UL   /* how long it lasts on the CPU */
#define CREDIT_MAX   50000000UL  /* on the account */
#define MOVE_NS      2000000UL   /* to be worth a move, on the account */
#define ORIGIN       (1UL << 62) /* accounts at the start: no boost goes below 0 */

#define PARKED(q) (&(q)->lists[0])

static u64 active_of(const struct sched_group *g)
{
    return max(__atomic_load_n(&g->active, __ATOMIC_RELAXED), 1U);
}

static u64 price(const struct sched_group *g, u64 ns)
{
    return ns * SCHED_WEIGHT * active_of(g) / max(g->params.weight, 1U);
}

/* By what the units are sorted. */
static u64 key_of(const struct sched_unit *u)
{
    return u->credit.used - (u->credit.boosted ? SLICE_NS : 0);
}

/* ---- caps ---- */

/* What a unit may use in a period. */
static s64 allowance(const struct sched_group *g)
{
    return (s64)(g->params.cap * (u64)PERIOD_NS / 100 / active_of(g));
}

/* Once in a period it gets its allowance anew; what it has used too much stays. False: it has used it up. */
static bool may_run(struct sched_unit *u, u64 now)
{
    u64 period = now / PERIOD_NS;

    u->limited = u->group->params.cap != 0;
    if (likely(!u->limited))
        return true;
    if (u->credit.period != period) {
        u64 periods = min(period - u->credit.period, 100UL);
        s64 has = u->credit.left + (s64)periods * allowance(u->group);

        u->credit.left = min(has, allowance(u->group));
        u->credit.period = period;
    }
    return u->credit.left > 0;
}

static void put(struct sched_queue *q, struct sched_unit *u, u64 now)
{
    u->credit.parked = !may_run(u, now);
    if (u->credit.parked)
        list_add_back(PARKED(q), &u->link);
    else
        heap_insert(&q->heap, &u->node, key_of(u));
    sched_show_best(q);
}

static void take(struct sched_queue *q, struct sched_unit *u)
{
    if (u->credit.parked)
        list_remove(&u->link);
    else
        heap_remove(&q->heap, &u->node);
    sched_show_best(q);
}

/* A new period has begun: those that are parked may run again. */
static void unpark(struct sched_queue *q, u64 now)
{
    struct sched_unit *u, *spare;

    if (likely(list_empty(PARKED(q))) || q->period == now / PERIOD_NS)
        return;
    q->period = now / PERIOD_NS;
    list_for_each_entry_safe(u, spare, PARKED(q), link)
    {
        if (!may_run(u, now))
            continue;
        take(q, u);
        put(q, u, now);
    }
}

/* ---- the interface ---- */

static void credit_queue_init(struct sched_queue *q)
{
    list_init(PARKED(q));
    q->now = ORIGIN;
    q->best = SCHED_NOBODY;
}

static void credit_unit_init(struct sched_unit *u)
{
    list_init(&u->link);
    u->credit = (struct credit_unit){ .used = ORIGIN };
}

static void wakes(struct sched_queue *q, struct sched_unit *u)
{
    spin_lock(&u->group->lock);
    u->group->active++;
    spin_unlock(&u->group->lock);
    u->credit.boosted = u->credit.used < q->now + SLICE_NS; /* as much as the others in a turn */
    u->credit.boost_used = 0;
    u->credit.used = max(u->credit.used, q->now);
}

static bool credit_enqueue(struct sched_queue *q, struct sched_unit *u, enum sched_why why, u64 now)
{
    if (why == SCHED_WOKEN)
        wakes(q, u);
    else if (why == SCHED_MOVED)
        u->credit.used = max(u->credit.used, q->now - CREDIT_MAX);
    else if (why == SCHED_YIELDED &&
             sched_first(q)) /* as if it had run until the next one's turn */
        u->credit.used = max(u->credit.used, sched_first(q)->credit.used);
    put(q, u, now);
    return q->running && !u->credit.parked && key_of(u) < key_of(q->running);
}

static void credit_dequeue(struct sched_queue *q, struct sched_unit *u)
{
    take(q, u);
}

static void credit_sleep(struct sched_queue *q, struct sched_unit *u, u64 now)
{
    (void)q, (void)now;
    spin_lock(&u->group->lock);
    u->group->active--;
    spin_unlock(&u->group->lock);
}

static void credit_charge(struct sched_queue *q, struct sched_unit *u, u64 ran, u64 now)
{
    (void)q, (void)now;
    u->credit.used += price(u->group, ran);
    u->credit.left -= (s64)ran;
    u->credit.boost_used += ran;
    if (u->credit.boost_used >= BOOST_NS)
        u->credit.boosted = false;
}

static struct sched_unit *credit_pick(struct sched_queue *q, u64 now, u64 *slice)
{
    unpark(q, now);
    struct sched_unit *u = sched_first(q);
    if (!u) {
        *slice = PERIOD_NS - now % PERIOD_NS;
        return NULL;
    }
    take(q, u);
    q->now = max(q->now, u->credit.used);
    *slice = u->credit.boosted ? BOOST_NS : SLICE_NS;
    if (u->limited && u->credit.left < (s64)*slice)
        *slice = (u64)max(u->credit.left, SLICE_MIN_NS);
    return u;
}

static u64 credit_limit(struct sched_queue *q, u64 now)
{
    unpark(q, now);
    u64 best = __atomic_load_n(&q->best, __ATOMIC_RELAXED);
    if (q->running)
        best = min(best, key_of(q->running));
    return best == SCHED_NOBODY ? SCHED_NOBODY : best - MOVE_NS;
}

static struct sched_unit *credit_steal(struct sched_queue *q, struct sched_queue *to, u64 now)
{
    unpark(q, now);
    struct sched_unit *u = sched_first_to_move(q, to);

    if (!u || key_of(u) >= credit_limit(to, now))
        return NULL;
    take(q, u);
    return u;
}

const struct scheduler sched_credit = {
    .name = "credit",
    .queue_init = credit_queue_init,
    .unit_init = credit_unit_init,
    .enqueue = credit_enqueue,
    .dequeue = credit_dequeue,
    .sleep = credit_sleep,
    .charge = credit_charge,
    .pick = credit_pick,
    .limit = credit_limit,
    .steal = credit_steal,
};
