/*
 * The mechanism of scheduling: see sched.h.
 *
 * States: a vCPU is asleep (v->waits isn't 0, or it is on the way to the queue), runnable (in the queue of v->cpu), running, or gone. Only the
 * holder of the lock of v->cpu's queue changes v->state, and a vCPU that changes its CPU does so with both queues locked.
 */
#include "domain/sched.h"
#include "abi/errno.h"
#include "domain/context.h"
#include "domain/run_queue.h"
#include "domain/time.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "x86/clock.h"
#include "x86/trap.h"

struct run_queue run_queues[NR_CPUS];

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

struct run_queue *lock_queue_of(const struct vcpu *v)
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

/* What an idle vCPU's time counts as. Waiting for an event counts first, as with Xen. */
static u32 sleeping_runstate(const struct vcpu *v)
{
    return v->waits & WAIT_EVENT ? RUNSTATE_blocked : RUNSTATE_offline;
}

/* There are more here than this CPU can run at once: let an idle one that may have this come and take one. */
static void call_idle_cpu(const struct cpumask *may, u32 here)
{
    __atomic_thread_fence(
        __ATOMIC_SEQ_CST); /* the idle CPU says that it is idle, then looks at the queues */
    s32 cpu = idle_take(may, here);
    if (cpu >= 0)
        cpu_kick((u32)cpu, WORK_RESCHED);
}

/* LAB 3.1b: Put a vCPU that wants to run into its CPU's queue, take it out, and have the CPU look when it should. */
bool queue_insert(struct run_queue *rq, struct vcpu *v, enum sched_why why, u64 now)
{
    assert(!v->unit.queued && v->state == VCPU_RUNNABLE);
    v->unit.queued = true;
    __atomic_store_n(&rq->q.length, rq->q.length + 1, __ATOMIC_RELAXED);
    return scheduler->enqueue(&rq->q, &v->unit, why, now);
}

void queue_taken_out(struct run_queue *rq, struct sched_unit *u)
{
    assert(u->queued && rq->q.length > 0);
    u->queued = false;
    __atomic_store_n(&rq->q.length, rq->q.length - 1, __ATOMIC_RELAXED);
}

/* It waits in this queue, and is to be taken out. */
static void dequeue(struct run_queue *rq, struct vcpu *v)
{
    scheduler->dequeue(&rq->q, &v->unit);
    queue_taken_out(rq, &v->unit);
}

void queue_charge(struct run_queue *rq, u64 now)
{
    if (rq->q.running)
        scheduler->charge(&rq->q, rq->q.running, now - rq->charged, now);
    rq->charged = now;
}

/* A reason to sleep has gone: into the queue with it, unless there is another one, or it never slept. Its CPU looks at once if it is to run rather
 * than who runs there, or if that CPU is idle. */
static void queue_woken(struct vcpu *v)
{
    struct run_queue *rq = lock_queue_of(v);
    u64 now = clock_ns();
    bool wakes = v->state == VCPU_ASLEEP && !__atomic_load_n(&v->waits, __ATOMIC_SEQ_CST) &&
                 !v->domain->dying;
    bool kick = false, crowded = false;
    u32 cpu = rq->q.cpu;

    if (wakes) {
        trace_event(TRACE_WAKE, v->domain->id, v->id);
        set_state(v, VCPU_RUNNABLE);
        runstate_change(v, RUNSTATE_runnable, now);
        queue_charge(rq, now);
        kick = queue_insert(rq, v, SCHED_WOKEN, now) || !rq->q.running;
        crowded = rq->q.running || rq->q.length > 1;
    } else if (v->state == VCPU_ASLEEP) {
        runstate_change(v, sleeping_runstate(v), now);
    }
    spin_unlock(&rq->lock);
    if (kick)
        cpu_kick(cpu, WORK_RESCHED);
    if (crowded && nr_cpus > 1)
        call_idle_cpu(&v->unit.affinity, cpu);
}
/* END LAB 3.1b */

/* ---- sleeping and waking ---- */

void sched_init_vcpu(struct vcpu *v)
{
    v->unit.group = &v->domain->sched;
    memset(&v->unit.affinity, 0xff, sizeof(v->unit.affinity));
    v->affinity = v->soft = v->unit.affinity;
    u32 best = sched_best_cpu(&v->unit.affinity);
    v->waits = WAIT_DOWN;
    v->state = VCPU_ASLEEP;
    v->cpu = best;
    scheduler->unit_init(&v->unit);
    spin_lock(&run_queues[best].lock);
    run_queues[best].placed++;
    spin_unlock(&run_queues[best].lock);
}

void sched_wake(struct vcpu *v, u32 waits)
{
    u32 before = __atomic_fetch_and(&v->waits, ~waits, __ATOMIC_SEQ_CST);

    if (!(before & waits))
        return;
    queue_woken(v);
}

/* LAB 3.3a: Let a vCPU sleep, wherever it is just now: in a queue, on this CPU, or on another one. */
/* It neither runs nor waits any more: the queue is locked, and it is out of it. */
static void fall_asleep(struct run_queue *rq, struct vcpu *v, u64 now)
{
    scheduler->sleep(&rq->q, &v->unit, now);
    set_state(v, VCPU_ASLEEP);
    runstate_change(v, sleeping_runstate(v), now);
}

void sched_sleep(struct vcpu *v, u32 waits)
{
    __atomic_fetch_or(&v->waits, waits, __ATOMIC_SEQ_CST);
    struct run_queue *rq = lock_queue_of(v);
    bool runs = v->state == VCPU_RUNNING;
    u32 cpu = rq->q.cpu;
    if (v->state == VCPU_RUNNABLE) {
        dequeue(rq, v);
        fall_asleep(rq, v, clock_ns());
    }
    spin_unlock(&rq->lock);
    if (runs)
        cpu_kick(cpu, WORK_RESCHED);
}
/* END LAB 3.3a */

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
        if (v->state == VCPU_RUNNABLE) {
            dequeue(rq, v);
            fall_asleep(rq, v, clock_ns());
        }
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

/* ---- who runs next ---- */

static bool may_go_on(const struct vcpu *v)
{
    return !__atomic_load_n(&v->waits, __ATOMIC_SEQ_CST) && !v->domain->dying;
}

/* It goes on: what it asked for once is over. */
static void goes_on(struct vcpu *v)
{
    v->yields = false;
    if (unlikely(v->poll_port))
        sched_poll_ends(v);
}

/* LAB 3.2: Take the CPU from who has had its slice, though it never gives it away. */

/* The CPU's timer `slice`, on the way out to a guest: the slice of the one that runs may be over. The timer goes on as long as somebody runs. */
static void slice_over(struct timer *t)
{
    struct run_queue *rq = container_of(t, struct run_queue, slice);
    u64 now = clock_ns();

    spin_lock(&rq->lock);
    bool busy = rq->q.running != NULL;
    if (busy && now >= rq->slice_end) {
        rq->slice_over = true;
        rq->slice_end = now + rq->slice_ns; /* in case that it stays */
    }
    spin_unlock(&rq->lock);
    if (rq->slice_over || !busy) /* those that may not run just now keep an idle CPU's queue */
        cpu_kick(rq->q.cpu, WORK_RESCHED);
    if (busy)
        timer_set(t, rq->slice_end);
}
/* END LAB 3.2 */

/* LAB 3.1c: Choose who runs next, in agreement with the policy, and give the CPU to it. */

/* The one that ran here goes back into the queue, or to sleep. */
static void put_back(struct run_queue *rq, struct vcpu *prev, u64 now)
{
    if (!may_go_on(prev)) {
        fall_asleep(rq, prev, now);
        return;
    }
    set_state(prev, VCPU_RUNNABLE);
    queue_insert(rq, prev,
                 prev->yields     ? SCHED_YIELDED
                 : rq->slice_over ? SCHED_SLICE
                                  : SCHED_PREEMPTED,
                 now);
}

/* Take the next one that may run out of the queue: one that has ended since may be torn down at any moment. */
static struct vcpu *take_next(struct run_queue *rq, u64 now)
{
    while (rq->q.length) {
        struct sched_unit *u = scheduler->pick(&rq->q, now, &rq->slice_ns);
        if (!u)
            break;
        struct vcpu *v = vcpu_of(u);
        queue_taken_out(rq, &v->unit);
        assert(v->state == VCPU_RUNNABLE);
        if (likely(!v->domain->dying))
            return v;
        fall_asleep(rq, v, now);
    }
    return NULL;
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
    queue_charge(rq, now);
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
    if (unlikely(!rq->slice.queued) && (next || rq->q.length))
        timer_set(&rq->slice, now + rq->slice_ns);
    return next;
}

/* The common answer to a yield, or to a kick that was about something else: nothing has changed. */
static bool nobody_else(const struct run_queue *rq)
{
    return !__atomic_load_n(&rq->q.length, __ATOMIC_RELAXED) && !rq->slice_over &&
           !rq->q.running->limited;
}

void schedule(struct regs *regs)
{
    struct cpu *c = this_cpu();
    struct vcpu *prev = c->current;
    struct run_queue *rq = &run_queues[c->id];

    if (nobody_else(rq) && likely(may_go_on(prev))) {
        goes_on(prev);
        return;
    }
    if (nr_cpus > 1 && scheduler->limit)
        sched_balance(rq);
    struct vcpu *next = choose(rq, prev);
    if (next == prev)
        return;
    context_save(prev, regs);
    __atomic_store_n(&prev->unit.on_cpu, false,
                     __ATOMIC_SEQ_CST); /* before WAIT_MOVE is looked at */
    if (unlikely(prev->waits & WAIT_MOVE))
        sched_relocate(prev);
    if (!next)
        run_on_empty_stack(cpu_idle_loop);
    context_load(next);
}
/* END LAB 3.1c */

/* ---- for the idle loop (idle.c) ---- */

struct vcpu *sched_choose_idle(void)
{
    return choose(&run_queues[this_cpu()->id], NULL);
}
