/*
 * Borrowed virtual time, as Xen 2.0 had it. Source: Duda and Cheriton, "Borrowed-Virtual-Time (BVT) scheduling", SOSP 1999.
 *
 * A unit's actual virtual time (avt) advances while it runs, the slower the greater its weight; the one with the smallest effective virtual time
 * (evt) runs next. evt is avt, or less: a unit that wakes may warp, that is, borrow against its future share, so that it is served at once. It
 * pays back, as its avt goes on counting. A unit that comes back from sleep starts no earlier than the queue's own virtual time, or it would have
 * saved up CPU time by sleeping.
 *
 * The heap of a CPU is sorted by evt. Each CPU has a virtual time of its own, from which its sleepers begin; but what a unit has had counts on every
 * CPU, so that weights hold for the machine: a CPU takes over one that waits elsewhere if it has had much less than all here.
 */
#include "domain/scheduler.h"

#define BVT_ALLOWANCE_NS                                                                           \
    5000000UL /* a turn is so much longer than it would have to be, so that turns don't become too short */
#define BVT_SLICE_MIN_NS 100000UL
#define BVT_SLICE_MAX_NS 30000000UL /* who wakes meanwhile may have to wait so long */
#define BVT_MOVE_NS      2000000UL  /* virtual: to be worth a move */
#define BVT_BRINGS_NS    50000000UL /* virtual: how far behind one may be that comes from elsewhere */
#define BVT_ORIGIN       (1UL << 62) /* virtual time at the start: no warp goes below 0 */

static struct sched_unit *first(const struct sched_queue *q)
{
    return sched_first(q);
}

static void bvt_queue_init(struct sched_queue *q)
{
    q->now = BVT_ORIGIN;
    q->best = SCHED_NOBODY;
}

static void bvt_unit_init(struct sched_unit *u)
{
    u->bvt = (struct bvt_unit){ .avt = BVT_ORIGIN };
}

static void bvt_dequeue(struct sched_queue *q, struct sched_unit *u)
{
    heap_remove(&q->heap, &u->node);
    sched_show_best(q);
}

/* LAB 3.4: Virtual time: what running costs, who is next and for how long, and what a sleeper may borrow. */

/* Virtual ns for ns on the CPU. The units of a group share its weight. */
static u64 to_virtual(const struct sched_group *g, u64 ns)
{
    u64 active = max(__atomic_load_n(&g->active, __ATOMIC_RELAXED), 1U);

    return ns * SCHED_WEIGHT * active / max(g->params.weight, 1U);
}

static u64 from_virtual(const struct sched_group *g, u64 virtual)
{
    u64 active = max(__atomic_load_n(&g->active, __ATOMIC_RELAXED), 1U);

    return virtual / active * max(g->params.weight, 1U) / SCHED_WEIGHT;
}

static u64 evt(const struct sched_unit *u)
{
    return u->bvt.avt - (u->bvt.warped ? u->group->params.warp : 0);
}

/* It has slept: it may not bring along what it didn't use, and it may warp if it hasn't just done so for too long. */
static void wakes(struct sched_queue *q, struct sched_unit *u, u64 now)
{
    const struct sched_params *p = &u->group->params;

    spin_lock(&u->group->lock);
    u->group->active++;
    spin_unlock(&u->group->lock);
    u->bvt.avt = max(u->bvt.avt, q->now);
    if (!p->warp)
        u->bvt.warped = false;
    else if (!u->bvt.warped && (!u->bvt.warp_ended || now - u->bvt.warp_ended >= p->unwarp_limit)) {
        u->bvt.warped = true;
        u->bvt.warp_used = 0;
    }
}

static bool bvt_enqueue(struct sched_queue *q, struct sched_unit *u, enum sched_why why, u64 now)
{
    if (why == SCHED_WOKEN)
        wakes(q, u, now);
    else if (why == SCHED_MOVED)
        u->bvt.avt += q->now; /* bvt_steal left the distance */
    else if (why == SCHED_YIELDED && first(q))
        u->bvt.avt =
            max(u->bvt.avt, first(q)->bvt.avt); /* as if it had run until the next one's turn */
    heap_insert(&q->heap, &u->node, evt(u));
    return q->running && evt(u) < evt(q->running);
}

static void bvt_sleep(struct sched_queue *q, struct sched_unit *u, u64 now)
{
    (void)q, (void)now;
    spin_lock(&u->group->lock);
    u->group->active--;
    spin_unlock(&u->group->lock);
}

static void bvt_charge(struct sched_queue *q, struct sched_unit *u, u64 ran, u64 now)
{
    const struct sched_params *p = &u->group->params;

    (void)q;
    u->bvt.avt += to_virtual(u->group, ran);
    if (!u->bvt.warped)
        return;
    u->bvt.warp_used += ran;
    if (!p->warp || (p->warp_limit && u->bvt.warp_used >= p->warp_limit)) {
        u->bvt.warped = false;
        u->bvt.warp_ended = now;
    }
}

/* Until the next one's turn comes, and a little longer; a warp ends in time. */
static u64 slice_of(const struct sched_queue *q, const struct sched_unit *u)
{
    const struct sched_unit *next = first(q);
    u64 slice =
        next ? BVT_SLICE_MAX_NS : BVT_ALLOWANCE_NS; /* alone: somebody may come who has less */
    u64 limit = u->group->params.warp_limit;

    if (next && evt(next) - evt(u) < BVT_SLICE_MAX_NS << 16)
        slice = min(slice, BVT_ALLOWANCE_NS + from_virtual(u->group, evt(next) - evt(u)));
    if (u->bvt.warped && limit) {
        u64 left = u->bvt.warp_used < limit ? limit - u->bvt.warp_used : 0;
        slice = min(slice, left + BVT_SLICE_MIN_NS);
    }
    return slice;
}

static struct sched_unit *bvt_pick(struct sched_queue *q, u64 now, u64 *slice)
{
    struct sched_unit *u = first(q);

    (void)now;
    heap_remove(&q->heap, &u->node);
    if (!u->bvt.warped)
        q->now = max(q->now, u->bvt.avt);
    *slice = slice_of(q, u);
    return u;
}
/* END LAB 3.4 */

/* `best` is shown here and where one is taken away; if it is old, bvt_steal finds out. */
static u64 bvt_limit(struct sched_queue *q, u64 now)
{
    (void)now;
    sched_show_best(q);
    u64 best = q->best;
    if (q->running)
        best = min(best, evt(q->running));
    return best == SCHED_NOBODY ? SCHED_NOBODY : best - BVT_MOVE_NS;
}

static struct sched_unit *bvt_steal(struct sched_queue *q, struct sched_queue *to, u64 now)
{
    struct sched_unit *u = sched_first_to_move(q, to);

    if (u && evt(u) < bvt_limit(to, now)) {
        heap_remove(&q->heap, &u->node);
        u->bvt.avt = max(u->bvt.avt, to->now - BVT_BRINGS_NS) - to->now;
    } else {
        u = NULL;
    }
    sched_show_best(q);
    return u;
}

const struct scheduler sched_bvt = {
    .name = "bvt",
    .queue_init = bvt_queue_init,
    .unit_init = bvt_unit_init,
    .enqueue = bvt_enqueue,
    .dequeue = bvt_dequeue,
    .sleep = bvt_sleep,
    .charge = bvt_charge,
    .pick = bvt_pick,
    .limit = bvt_limit,
    .steal = bvt_steal,
};
