/*
 * The simulated machine: see sched_sim.h. Its queue functions do in the same order what the kernel's do; the checks in between are its own.
 */
#include "sched_sim.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

u32 nr_cpus = 1;

static struct sim_task *task_of(struct sched_unit *u)
{
    return container_of(u, struct sim_task, unit);
}

/* Everybody goes to sleep: policies count over all queues. */
static void end(struct sim *s)
{
    for (u32 i = 0; i < s->count; i++) {
        struct sim_task *t = &s->tasks[i];
        if (t->unit.queued)
            s->policy->dequeue(&s->queues[t->cpu], &t->unit);
        if (t->awake)
            s->policy->sleep(&s->queues[t->cpu], &t->unit, s->now);
    }
}

void sim_init(struct sim *s, const struct scheduler *policy, u32 cpus)
{
    u64 now = s->now + SIM_S; /* time goes on from one simulation to the next */

    end(s);
    memset(s, 0, sizeof(*s));
    s->policy = policy;
    s->now = now;
    nr_cpus = cpus;
    for (u32 i = 0; i < cpus; i++) {
        s->queues[i].cpu = i;
        s->slice_end[i] = ~0UL;
        s->charged[i] = s->now;
        policy->queue_init(&s->queues[i]);
    }
}

struct sched_group *sim_group(u32 weight)
{
    static struct sched_group groups[2000];
    static u32 count;
    struct sched_group *g = &groups[count++];

    ck_assert_uint_lt(count, ARRAY_SIZE(groups));
    g->params.weight = weight;
    g->lock = SPINLOCK_INIT(LOCK_SCHED_GROUP);
    return g;
}

struct sim_task *sim_task(struct sim *s, struct sched_group *g, u64 burst, u64 rest, u64 start)
{
    struct sim_task *t = &s->tasks[s->count];

    ck_assert_uint_lt(s->count, SIM_TASKS_MAX);
    memset(&t->unit.affinity, 0xff, sizeof(t->unit.affinity));
    t->unit.group = g;
    t->cpu = s->count++ % nr_cpus;
    t->burst = burst;
    t->rest = rest;
    t->wakes = s->now + start;
    s->policy->unit_init(&t->unit);
    return t;
}

static bool insert(struct sim *s, u32 cpu, struct sim_task *t, enum sched_why why)
{
    ck_assert(!t->unit.queued && t->awake);
    t->unit.queued = true;
    s->queues[cpu].length++;
    return s->policy->enqueue(&s->queues[cpu], &t->unit, why, s->now);
}

static void taken_out(struct sim *s, u32 cpu, struct sim_task *t)
{
    ck_assert(t->unit.queued && t->cpu == cpu);
    t->unit.queued = false;
    s->queues[cpu].length--;
}

static void charge(struct sim *s, u32 cpu)
{
    struct sched_queue *q = &s->queues[cpu];
    u64 ran = s->now - s->charged[cpu];

    s->charged[cpu] = s->now;
    if (!q->running) {
        s->idle_ns += ran;
        return;
    }
    struct sim_task *t = task_of(q->running);
    t->ran += ran;
    t->left = t->left > ran ? t->left - ran : 0;
    s->policy->charge(q, q->running, ran, s->now);
}

static bool move_one(struct sim *s, u32 from, u32 to)
{
    struct sched_unit *u = s->policy->steal(&s->queues[from], &s->queues[to], s->now);

    if (!u)
        return false;
    taken_out(s, from, task_of(u));
    task_of(u)->cpu = to;
    insert(s, to, task_of(u), SCHED_MOVED);
    return true;
}

static bool steal(struct sim *s, u32 to)
{
    for (u32 i = 1; i < nr_cpus; i++) {
        u32 from = (to + i) % nr_cpus;

        if (s->queues[from].length && move_one(s, from, to))
            return true;
    }
    return false;
}

static void balance(struct sim *s, u32 to)
{
    u64 limit = s->policy->limit(&s->queues[to], s->now);
    u32 from = to;

    for (u32 i = 0; i < nr_cpus; i++)
        if (i != to && s->queues[i].best < limit)
            limit = s->queues[i].best, from = i;
    if (from != to)
        move_one(s, from, to);
}

static void put_back(struct sim *s, u32 cpu, enum sched_why why)
{
    struct sched_queue *q = &s->queues[cpu];
    struct sim_task *t = task_of(q->running);

    t->running = t->unit.on_cpu = false;
    t->waited_from = s->now;
    if (t->burst && !t->left) {
        t->awake = false;
        t->wakes = s->now + t->rest;
        s->policy->sleep(q, &t->unit, s->now);
    } else {
        insert(s, cpu, t, t->yields ? SCHED_YIELDED : why);
    }
}

static void start(struct sim *s, u32 cpu, struct sched_unit *u)
{
    struct sim_task *t = task_of(u);

    taken_out(s, cpu, t);
    s->queues[cpu].running = u;
    s->slice_end[cpu] = s->now + s->slice[cpu];
    t->starved = max(t->starved, s->now - t->waited_from);
    if (t->waits)
        t->latency = max(t->latency, s->now - t->woken);
    t->waits = false;
    t->running = t->unit.on_cpu = true;
    t->turns++;
    s->switches++;
}

static struct sched_unit *pick(struct sim *s, u32 cpu)
{
    return s->queues[cpu].length ? s->policy->pick(&s->queues[cpu], s->now, &s->slice[cpu]) : NULL;
}

static void choose(struct sim *s, u32 cpu, enum sched_why why)
{
    struct sched_queue *q = &s->queues[cpu];

    charge(s, cpu);
    if (nr_cpus > 1 && s->policy->limit && q->running)
        balance(s, cpu);
    if (q->running)
        put_back(s, cpu, why);
    q->running = NULL;
    struct sched_unit *u = pick(s, cpu);
    if (!u && steal(s, cpu))
        u = pick(s, cpu);
    if (u)
        start(s, cpu, u);
    else
        s->slice_end[cpu] = q->length ? s->now + s->slice[cpu] : ~0UL;
}

static void wake(struct sim *s, struct sim_task *t)
{
    u32 cpu = t->cpu;
    struct sched_queue *q = &s->queues[cpu];

    t->awake = t->waits = true;
    t->woken = t->waited_from = s->now;
    t->left = t->burst;
    charge(s, cpu);
    if (insert(s, cpu, t, SCHED_WOKEN) || !q->running) {
        choose(s, cpu, SCHED_PREEMPTED);
        return;
    }
    for (u32 i = 0; i < nr_cpus; i++) /* an idle CPU is called */
        if (!s->queues[i].running) {
            choose(s, i, SCHED_PREEMPTED);
            return;
        }
}

/* A task that yields runs for a microsecond first. */
static u64 end_of_turn(struct sim *s, u32 cpu)
{
    struct sched_unit *u = s->queues[cpu].running;

    if (!u)
        return s->slice_end[cpu];
    struct sim_task *t = task_of(u);
    u64 end = s->slice_end[cpu];
    if (t->burst)
        end = min(end, s->charged[cpu] + t->left);
    if (t->yields)
        end = min(end, s->charged[cpu] + 1000);
    return end;
}

static u64 next_event(struct sim *s)
{
    u64 next = ~0UL;

    for (u32 i = 0; i < nr_cpus; i++)
        next = min(next, end_of_turn(s, i));
    for (u32 i = 0; i < s->count; i++)
        if (!s->tasks[i].awake)
            next = min(next, s->tasks[i].wakes);
    return next;
}

void sim_run(struct sim *s, u64 ns)
{
    u64 end = s->now + ns;

    for (;;) {
        u64 next = next_event(s);
        if (next > end)
            break;
        ck_assert_uint_ge(next, s->now);
        s->now = next;
        for (u32 i = 0; i < nr_cpus; i++)
            if (end_of_turn(s, i) <= s->now)
                choose(s, i, SCHED_SLICE);
        for (u32 i = 0; i < s->count; i++)
            if (!s->tasks[i].awake && s->tasks[i].wakes <= s->now)
                wake(s, &s->tasks[i]);
    }
    s->now = end;
    for (u32 i = 0; i < nr_cpus; i++)
        charge(s, i);
}
