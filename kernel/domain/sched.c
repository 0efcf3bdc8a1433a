/*
 * The mechanism of scheduling: see sched.h.
 *
 * States: a vCPU is asleep (v->waits isn't 0, or it is on the way to the queue), runnable (in the queue of v->cpu), running, or gone. Only the
 * holder of the lock of v->cpu's queue changes v->state, and a vCPU that changes its CPU does so with both queues locked.
 */
#include "domain/sched.h"
#include "abi/errno.h"
#include "domain/context.h"
#include "domain/idle.h"
#include "domain/time.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "x86/clock.h"
#include "x86/trap.h"

struct run_queue run_queues[NR_CPUS];
const struct scheduler *scheduler = &sched_rr;

static const struct scheduler *const policies[] = { &sched_rr };

bool sched_choose(const char *name, size_t length)
{
    for (u32 i = 0; i < ARRAY_SIZE(policies); i++) {
        if (strlen(policies[i]->name) == length && !strncmp(policies[i]->name, name, length)) {
            scheduler = policies[i];
            return true;
        }
    }
    return false;
}

const char *sched_name(void)
{
    return scheduler->name;
}

static void slice_over(struct timer *t);

void sched_init(void)
{
    timers_init();
    for (u32 i = 0; i < NR_CPUS; i++) {
        struct run_queue *rq = &run_queues[i];
        rq->lock = SPINLOCK_INIT(LOCK_SCHED);
        rq->q.cpu = i;
        timer_init(&rq->slice, slice_over);
        scheduler->queue_init(&rq->q);
    }
}

static struct vcpu *vcpu_of(struct sched_unit *u)
{
    return container_of(u, struct vcpu, unit);
}

/* The queue where a vCPU belongs, locked. */
static struct run_queue *lock_queue_of(const struct vcpu *v)
{
    for (;;) {
        u32 cpu = __atomic_load_n(&v->cpu, __ATOMIC_RELAXED);
        struct run_queue *rq = &run_queues[cpu];

        spin_lock(&rq->lock);
        if (likely(__atomic_load_n(&v->cpu, __ATOMIC_RELAXED) == cpu))
            return rq;
        spin_unlock(&rq->lock);
    }
}

static void set_state(struct vcpu *v, enum vcpu_state state)
{
    __atomic_store_n(&v->state, state, __ATOMIC_RELEASE);
}

/* ---- the queue: the policy's, with the counts that everybody reads ---- */

static bool enqueue(struct run_queue *rq, struct vcpu *v, enum sched_why why, u64 now)
{
    assert(!v->unit.queued && v->state == VCPU_RUNNABLE);
    v->unit.queued = true;
    __atomic_store_n(&rq->q.length, rq->q.length + 1, __ATOMIC_RELAXED);
    return scheduler->enqueue(&rq->q, &v->unit, why, now);
}

static void taken_out(struct run_queue *rq, struct sched_unit *u)
{
    assert(u->queued && rq->q.length > 0);
    u->queued = false;
    __atomic_store_n(&rq->q.length, rq->q.length - 1, __ATOMIC_RELAXED);
}

static void dequeue(struct run_queue *rq, struct vcpu *v)
{
    scheduler->dequeue(&rq->q, &v->unit);
    taken_out(rq, &v->unit);
}

/* What an idle vCPU's time counts as. Waiting for an event counts first, as with Xen. */
static u32 sleeping_runstate(const struct vcpu *v)
{
    return v->waits & WAIT_EVENT ? RUNSTATE_blocked : RUNSTATE_offline;
}

static void fall_asleep(struct vcpu *v, u64 now)
{
    set_state(v, VCPU_ASLEEP);
    runstate_change(v, sleeping_runstate(v), now);
}

/* ---- CPUs for vCPUs ---- */

/* Of the CPUs where it may run, the one with the fewest. */
static u32 best_cpu(const struct cpumask *may)
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

/* ---- sleeping and waking ---- */

void sched_init_vcpu(struct vcpu *v)
{
    v->unit.group = &v->domain->sched;
    memset(&v->unit.affinity, 0xff, sizeof(v->unit.affinity));
    v->affinity = v->unit.affinity;
    u32 best = best_cpu(&v->unit.affinity);
    v->waits = WAIT_DOWN;
    v->state = VCPU_ASLEEP;
    v->cpu = best;
    scheduler->unit_init(&v->unit);
    spin_lock(&run_queues[best].lock);
    run_queues[best].placed++;
    spin_unlock(&run_queues[best].lock);
}

/* It waits behind others on a busy CPU: let an idle CPU that may have it come and take it. */
static void call_idle_cpu(const struct cpumask *may)
{
    __atomic_thread_fence(
        __ATOMIC_SEQ_CST); /* the idle CPU says that it is idle, then looks at the queues */
    s32 cpu = idle_take(may);
    if (cpu >= 0)
        cpu_kick((u32)cpu, WORK_RESCHED);
}

static void queue_woken(struct vcpu *v)
{
    struct run_queue *rq = lock_queue_of(v);
    u64 now = clock_ns();
    bool wakes = v->state == VCPU_ASLEEP && !__atomic_load_n(&v->waits, __ATOMIC_SEQ_CST) &&
                 !v->domain->dying;
    bool kick = false;
    u32 cpu = rq->q.cpu;

    if (wakes) {
        trace_event(TRACE_WAKE, v->domain->id, v->id);
        set_state(v, VCPU_RUNNABLE);
        runstate_change(v, RUNSTATE_runnable, now);
        kick = enqueue(rq, v, SCHED_WOKEN, now) || !rq->q.running;
    } else if (v->state == VCPU_ASLEEP) {
        runstate_change(v, sleeping_runstate(v), now);
    }
    spin_unlock(&rq->lock);
    if (kick)
        cpu_kick(cpu, WORK_RESCHED);
    else if (wakes && nr_cpus > 1)
        call_idle_cpu(&v->unit.affinity);
}

void sched_wake(struct vcpu *v, u32 waits)
{
    u32 before = __atomic_fetch_and(&v->waits, ~waits, __ATOMIC_SEQ_CST);

    if (!(before & waits))
        return;
    queue_woken(v);
}

void sched_sleep(struct vcpu *v, u32 waits)
{
    __atomic_fetch_or(&v->waits, waits, __ATOMIC_SEQ_CST);
    struct run_queue *rq = lock_queue_of(v);
    bool runs = v->state == VCPU_RUNNING;
    u32 cpu = rq->q.cpu;
    if (v->state == VCPU_RUNNABLE) {
        dequeue(rq, v);
        fall_asleep(v, clock_ns());
    }
    spin_unlock(&rq->lock);
    if (runs)
        cpu_kick(cpu, WORK_RESCHED);
}

void sched_pause(struct vcpu *v)
{
    if (__atomic_fetch_add(&v->paused, 1, __ATOMIC_SEQ_CST) == 0)
        sched_sleep(v, WAIT_PAUSED);
}

void sched_unpause(struct vcpu *v)
{
    u32 before = __atomic_fetch_sub(&v->paused, 1, __ATOMIC_SEQ_CST);

    assert(before > 0);
    if (before == 1)
        sched_wake(v, WAIT_PAUSED);
}

bool sched_has_left(const struct vcpu *v)
{
    return __atomic_load_n(&v->state, __ATOMIC_ACQUIRE) != VCPU_RUNNING &&
           !__atomic_load_n(&v->unit.on_cpu, __ATOMIC_ACQUIRE);
}

void sched_yield(void)
{
    current_vcpu()->yields = true;
    cpu_kick(this_cpu()->id, WORK_RESCHED);
}

void sched_kick(struct vcpu *v)
{
    struct run_queue *rq = lock_queue_of(v);
    bool runs = v->state == VCPU_RUNNING;
    u32 cpu = rq->q.cpu;

    spin_unlock(&rq->lock);
    if (runs)
        cpu_kick(cpu, WORK_RESCHED);
}

/* A CPU may have taken the vCPU out of its queue since the caller looked: then it runs, and leaves soon. */
bool sched_remove(struct vcpu *v)
{
    struct run_queue *rq = lock_queue_of(v);
    bool runs = v->state == VCPU_RUNNING || v->unit.on_cpu;

    if (!runs && v->state != VCPU_GONE) {
        if (v->state == VCPU_RUNNABLE)
            dequeue(rq, v);
        set_state(v, VCPU_GONE);
        assert(rq->placed > 0);
        rq->placed--;
    }
    spin_unlock(&rq->lock);
    return !runs;
}

void sched_get_runstate(struct vcpu *v, struct vcpu_runstate_info *info)
{
    struct run_queue *rq = lock_queue_of(v);

    runstate_get(v, info);
    spin_unlock(&rq->lock);
}

/* ---- another CPU ---- */

/* Give a vCPU that sleeps because of WAIT_MOVE another CPU. Who calls first does it. */
static void relocate(struct vcpu *v)
{
    u32 here = v->cpu, there = best_cpu(&v->unit.affinity);
    struct run_queue *from = &run_queues[here], *to = &run_queues[there];

    if (here != there) {
        lock_two(from, to);
        if (v->cpu == here && v->state == VCPU_ASLEEP && !v->unit.on_cpu)
            change_queue(v, from, to);
        unlock_two(from, to);
    }
    sched_wake(v, WAIT_MOVE);
}

static bool any_cpu(const struct cpumask *mask)
{
    for (u32 i = 0; i < nr_cpus; i++)
        if (cpumask_test(mask, i))
            return true;
    return false;
}

/* unit.affinity may have changed: move it if it must. */
static void move_if_needed(struct vcpu *v)
{
    struct run_queue *rq = lock_queue_of(v);
    bool stays = cpumask_test(&v->unit.affinity, rq->q.cpu);

    spin_unlock(&rq->lock);
    if (stays)
        return;
    sched_sleep(v, WAIT_MOVE);
    if (v != current_vcpu() && sched_has_left(v))
        relocate(v);
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

/* ---- who runs next ---- */

static bool may_go_on(const struct vcpu *v)
{
    return !__atomic_load_n(&v->waits, __ATOMIC_SEQ_CST) && !v->domain->dying;
}

static void charge(struct run_queue *rq, u64 now)
{
    if (rq->q.running)
        scheduler->charge(&rq->q, rq->q.running, now - rq->charged, now);
    rq->charged = now;
}

/* The slice of the one that runs may be over. */
static void slice_over(struct timer *t)
{
    struct run_queue *rq = container_of(t, struct run_queue, slice);
    u64 now = clock_ns();

    spin_lock(&rq->lock);
    bool busy = rq->q.running != NULL;
    if (busy && now >= rq->slice_end) {
        charge(rq, now);
        rq->slice_over = true;
        rq->slice_end = now + rq->slice_ns; /* in case that it stays */
        cpu_kick(rq->q.cpu, WORK_RESCHED);
    }
    spin_unlock(&rq->lock);
    if (busy)
        timer_set(t, rq->slice_end);
}

/* The one that ran here goes back into the queue, or to sleep. */
static void put_back(struct run_queue *rq, struct vcpu *prev, u64 now)
{
    if (!may_go_on(prev)) {
        fall_asleep(prev, now);
        return;
    }
    set_state(prev, VCPU_RUNNABLE);
    enqueue(rq, prev,
            prev->yields     ? SCHED_YIELDED
            : rq->slice_over ? SCHED_SLICE
                             : SCHED_PREEMPTED,
            now);
}

/* Take the next one that may run out of the queue: one that has ended since may be torn down at any moment. */
static struct vcpu *take_next(struct run_queue *rq, u64 now)
{
    while (rq->q.length) {
        struct vcpu *v = vcpu_of(scheduler->pick(&rq->q, now, &rq->slice_ns));

        taken_out(rq, &v->unit);
        assert(v->state == VCPU_RUNNABLE);
        if (likely(!v->domain->dying))
            return v;
        fall_asleep(v, now);
    }
    return NULL;
}

/* It goes on: what it asked for once is over. */
static void goes_on(struct vcpu *v)
{
    v->yields = false;
    if (unlikely(v->poll_port))
        sched_poll_ends(v);
}

static void starts_to_run(struct run_queue *rq, struct vcpu *v, u64 now)
{
    rq->q.running = v ? &v->unit : NULL;
    rq->slice_over = false;
    if (!v)
        return;
    set_state(v, VCPU_RUNNING);
    v->unit.on_cpu = true;
    goes_on(v);
    rq->charged = now;
    rq->slice_end = now + rq->slice_ns;
}

/* Choose who runs next here, the one that ran before among them (NULL: none did). */
static struct vcpu *choose(struct run_queue *rq, struct vcpu *prev)
{
    u64 now = clock_ns();

    spin_lock(&rq->lock);
    charge(rq, now);
    if (prev)
        put_back(rq, prev, now);
    struct vcpu *next = take_next(rq, now);
    starts_to_run(rq, next, now);
    if (next != prev) {
        if (prev && prev->state == VCPU_RUNNABLE)
            runstate_change(prev, RUNSTATE_runnable, now);
        if (next)
            runstate_change(next, RUNSTATE_running, now);
    }
    spin_unlock(&rq->lock);
    if (next && unlikely(!rq->slice.queued))
        timer_set(&rq->slice, rq->slice_end);
    return next;
}

void schedule(struct regs *regs)
{
    struct cpu *c = this_cpu();
    struct vcpu *prev = c->current;
    struct run_queue *rq = &run_queues[c->id];

    if (!__atomic_load_n(&rq->q.length, __ATOMIC_RELAXED) && likely(may_go_on(prev))) {
        goes_on(prev);
        return;
    }
    struct vcpu *next = choose(rq, prev);
    if (next == prev)
        return;
    context_save(prev, regs);
    __atomic_store_n(&prev->unit.on_cpu, false,
                     __ATOMIC_SEQ_CST); /* before WAIT_MOVE is looked at */
    if (unlikely(prev->waits & WAIT_MOVE))
        relocate(prev);
    if (!next)
        run_on_empty_stack(cpu_idle_loop);
    context_load(next);
}

/* ---- for the idle loop (idle.c) ---- */

struct vcpu *sched_choose_idle(void)
{
    return choose(&run_queues[this_cpu()->id], NULL);
}

static u32 longest_queue(u32 here)
{
    u32 best = here, length = 0;

    for (u32 i = 0; i < nr_cpus; i++) {
        u32 n = __atomic_load_n(&run_queues[i].q.length, __ATOMIC_RELAXED);
        if (i != here && n > length)
            best = i, length = n;
    }
    return best;
}

/* Bring one over from another CPU's queue into this one's. */
static bool move_one(struct run_queue *from, struct run_queue *to)
{
    u64 now = clock_ns();

    lock_two(from, to);
    struct sched_unit *u = from->q.length ? scheduler->steal(&from->q, to->q.cpu, now) : NULL;
    if (u) {
        taken_out(from, u);
        change_queue(vcpu_of(u), from, to);
        enqueue(to, vcpu_of(u), SCHED_MOVED, now);
    }
    unlock_two(from, to);
    return u != NULL;
}

bool sched_steal(void)
{
    u32 here = this_cpu()->id;
    u32 from = nr_cpus > 1 ? longest_queue(here) : here;

    return from != here && move_one(&run_queues[from], &run_queues[here]);
}
