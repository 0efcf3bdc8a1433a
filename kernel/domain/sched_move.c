/*
 * vCPUs change CPUs: see run_queue.h and sched.h. By the owner's wish (affinity), or because a CPU has nothing to do, or nothing as urgent.
 */
#include "abi/errno.h"
#include "domain/run_queue.h"
#include "domain/sched.h"
#include "lib/trace.h"
#include "x86/clock.h"

u32 sched_best_cpu(const struct cpumask *may)
{
    u32 best = nr_cpus;

    for (u32 i = 0; i < nr_cpus; i++)
        if (cpumask_test(may, i) &&
            (best == nr_cpus || run_queues[i].placed < run_queues[best].placed))
            best = i;
    assert(best < nr_cpus);
    return best;
}

/* Two queues, in the order of their CPUs. */
static void lock_two(struct run_queue *a, struct run_queue *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    spin_lock_as(a < b ? &b->lock : &a->lock, LOCK_SCHED2);
}

static void unlock_two(struct run_queue *a, struct run_queue *b)
{
    spin_unlock(&a->lock);
    spin_unlock(&b->lock);
}

/* From now on it belongs to the queue of another CPU. Both are locked, and it is in neither. */
static void change_queue(struct vcpu *v, struct run_queue *from, struct run_queue *to)
{
    assert(!v->unit.queued && from->placed > 0);
    from->placed--;
    to->placed++;
    __atomic_store_n(&v->cpu, to->q.cpu, __ATOMIC_RELAXED);
}

static bool any_cpu(const struct cpumask *mask)
{
    for (u32 i = 0; i < nr_cpus; i++)
        if (cpumask_test(mask, i))
            return true;
    return false;
}

/* Where it would rather run of the CPUs where it may, or all of these. */
static struct cpumask wanted(const struct vcpu *v)
{
    struct cpumask mask = v->unit.affinity;

    for (u32 i = 0; i < ARRAY_SIZE(mask.bits); i++)
        mask.bits[i] &= v->soft.bits[i];
    return any_cpu(&mask) ? mask : v->unit.affinity;
}

void sched_relocate(struct vcpu *v)
{
    struct cpumask mask = wanted(v);
    u32 here = v->cpu, there = sched_best_cpu(&mask);
    struct run_queue *from = &run_queues[here], *to = &run_queues[there];

    if (here != there) {
        lock_two(from, to);
        if (v->cpu == here && v->state == VCPU_ASLEEP && !v->unit.on_cpu)
            change_queue(v, from, to);
        unlock_two(from, to);
    }
    sched_wake(v, WAIT_MOVE);
}

/* The masks may have changed: move it if it must, or would rather. */
static void move_if_needed(struct vcpu *v)
{
    struct run_queue *rq = lock_queue_of(v);
    struct cpumask mask = wanted(v);
    bool stays = cpumask_test(&mask, rq->q.cpu);

    spin_unlock(&rq->lock);
    if (stays)
        return;
    sched_sleep(v, WAIT_MOVE);
    if (v != current_vcpu() && sched_has_left(v))
        sched_relocate(v);
}

bool sched_set_affinity(struct vcpu *v, const struct cpumask *mask)
{
    if (!any_cpu(mask))
        return false;
    struct run_queue *rq = lock_queue_of(v);
    v->affinity = *mask;
    if (!v->overridden)
        v->unit.affinity = *mask;
    spin_unlock(&rq->lock);
    move_if_needed(v);
    return true;
}

void sched_set_soft_affinity(struct vcpu *v, const struct cpumask *mask)
{
    struct run_queue *rq = lock_queue_of(v);
    v->soft = *mask;
    spin_unlock(&rq->lock);
    move_if_needed(v);
}

s64 sched_override(u32 cpu)
{
    struct vcpu *v = current_vcpu();

    if (cpu >= nr_cpus)
        return refuse(-XEN_EINVAL, cpu);
    struct run_queue *rq = lock_queue_of(v);
    bool was = v->overridden;
    if (!was) {
        v->overridden = true;
        v->unit.affinity = (struct cpumask){ 0 };
        cpumask_set(&v->unit.affinity, cpu);
    }
    spin_unlock(&rq->lock);
    move_if_needed(v);
    return was ? refuse(-XEN_EBUSY, cpu) : 0;
}

s64 sched_end_override(void)
{
    struct vcpu *v = current_vcpu();
    struct run_queue *rq = lock_queue_of(v);
    bool was = v->overridden;

    if (was) {
        v->overridden = false;
        v->unit.affinity = v->affinity;
    }
    spin_unlock(&rq->lock);
    move_if_needed(v);
    return was ? 0 : refuse(-XEN_EINVAL, v->id);
}

s32 sched_pinned_to(const struct vcpu *v)
{
    s32 cpu = -1;

    for (u32 i = 0; i < nr_cpus; i++) {
        if (!cpumask_test(&v->unit.affinity, i))
            continue;
        if (cpu >= 0)
            return -1;
        cpu = (s32)i;
    }
    return cpu;
}

/* Bring one over from another CPU's queue into this one's. */
static bool move_one(struct run_queue *from, struct run_queue *to)
{
    u64 now = clock_ns();

    lock_two(from, to);
    struct sched_unit *u = from->q.length ? scheduler->steal(&from->q, &to->q, now) : NULL;
    if (u) {
        queue_taken_out(from, u);
        change_queue(vcpu_of(u), from, to);
        queue_insert(to, vcpu_of(u), SCHED_MOVED, now);
    }
    unlock_two(from, to);
    return u != NULL;
}

/* This CPU has nothing: from whichever has some. Starts behind this CPU, so that not all ask the same. */
bool sched_steal(void)
{
    struct run_queue *to = &run_queues[this_cpu()->id];

    for (u32 i = 1; i < nr_cpus; i++) {
        struct run_queue *from = &run_queues[(to->q.cpu + i) % nr_cpus];

        if (__atomic_load_n(&from->q.length, __ATOMIC_RELAXED) && move_one(from, to))
            return true;
    }
    return false;
}

/* The CPU, not this one, with the smallest `best` below the limit; NULL: none. */
static struct run_queue *most_deserving(u32 here, u64 limit)
{
    struct run_queue *found = NULL;

    for (u32 i = 0; i < nr_cpus; i++) {
        u64 best = __atomic_load_n(&run_queues[i].q.best, __ATOMIC_RELAXED);

        if (i != here && best < limit)
            limit = best, found = &run_queues[i];
    }
    return found;
}

void sched_balance(struct run_queue *rq)
{
    u64 now = clock_ns();

    spin_lock(&rq->lock);
    queue_charge(rq, now);
    u64 limit = scheduler->limit(&rq->q, now);
    spin_unlock(&rq->lock);
    struct run_queue *from = most_deserving(rq->q.cpu, limit);
    if (from)
        move_one(from, rq);
}
