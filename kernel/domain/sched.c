/*
 * Round robin over a queue for each CPU: see sched.h.
 */
#include "domain/context.h"
#include "domain/reap.h"
#include "domain/sched.h"
#include "domain/tick.h"
#include "lib/debug.h"
#include "x86/asm.h"
#include "x86/trap.h"

struct run_queue {
    struct spinlock lock;
    struct vcpu *head, *tail; /* s: runnable vCPUs, the running one not among them */
    u32 placed;               /* s: vCPUs that have their place here */
};

static struct run_queue queues[NR_CPUS];

void sched_init(void)
{
    for (u32 i = 0; i < NR_CPUS; i++)
        queues[i].lock = SPINLOCK_INIT(LOCK_SCHED);
}

u32 sched_place(void)
{
    u32 best = 0;

    for (u32 i = 1; i < nr_cpus; i++)
        if (queues[i].placed < queues[best].placed)
            best = i;
    spin_lock(&queues[best].lock);
    queues[best].placed++;
    spin_unlock(&queues[best].lock);
    return best;
}

static void queue_push(struct run_queue *q, struct vcpu *v)
{
    v->next_run = NULL;
    if (q->tail)
        q->tail->next_run = v;
    else
        q->head = v;
    q->tail = v;
}

static struct vcpu *queue_pop(struct run_queue *q)
{
    struct vcpu *v = q->head;

    if (v) {
        q->head = v->next_run;
        if (!q->head)
            q->tail = NULL;
    }
    return v;
}

void sched_wake(struct vcpu *v)
{
    struct run_queue *q = &queues[v->cpu];

    assert(v->cpu < nr_cpus && v->ctx.cr3_kernel);
    spin_lock(&q->lock);
    if (v->state == VCPU_DOWN || v->state == VCPU_BLOCKED) {
        v->state = VCPU_RUNNABLE;
        queue_push(q, v);
    }
    spin_unlock(&q->lock);
    cpu_kick(v->cpu, WORK_RESCHED);
}

static void queue_unlink(struct run_queue *q, struct vcpu *v)
{
    struct vcpu *prev = NULL;

    for (struct vcpu *i = q->head; i; prev = i, i = i->next_run) {
        if (i != v)
            continue;
        if (prev)
            prev->next_run = v->next_run;
        else
            q->head = v->next_run;
        if (q->tail == v)
            q->tail = prev;
        return;
    }
}

/* A CPU may have taken the vCPU out of its queue since the caller looked: then it runs, and leaves soon. */
bool sched_remove(struct vcpu *v)
{
    struct run_queue *q = &queues[v->cpu];

    spin_lock(&q->lock);
    bool runs = v->state == VCPU_RUNNING;
    if (!runs && v->state != VCPU_GONE) {
        queue_unlink(q, v);
        v->state = VCPU_GONE;
        assert(q->placed > 0);
        q->placed--;
    }
    spin_unlock(&q->lock);
    return !runs;
}

/* Choose who runs next on this CPU. `prev` goes to the end of the queue if it may go on. */
static struct vcpu *pick_next(struct run_queue *q, struct vcpu *prev)
{
    spin_lock(&q->lock);
    bool goes_on = prev && prev->state == VCPU_RUNNING && !prev->domain->dying;
    struct vcpu *next = queue_pop(q);

    assert(!next || next->state == VCPU_RUNNABLE);
    while (next && next->domain->dying) { /* it may be torn down at any moment */
        next->state = VCPU_DOWN;
        next = queue_pop(q);
    }
    if (!next) {
        spin_unlock(&q->lock);
        return goes_on ? prev : NULL;
    }
    if (goes_on) {
        prev->state = VCPU_RUNNABLE;
        queue_push(q, prev);
    }
    next->state = VCPU_RUNNING;
    spin_unlock(&q->lock);
    return next;
}

void schedule(struct regs *regs)
{
    struct cpu *c = this_cpu();
    struct vcpu *prev = c->current;
    struct vcpu *next = pick_next(&queues[c->id], prev);

    if (likely(next == prev))
        return;
    context_save(prev, regs);
    if (prev->state == VCPU_RUNNING) { /* not to go on: its domain has ended */
        spin_lock(&queues[c->id].lock);
        prev->state = VCPU_DOWN;
        spin_unlock(&queues[c->id].lock);
    }
    if (!next)
        run_on_empty_stack(cpu_idle_loop);
    context_load(next);
}

/* The TSC when the first guest was entered, where start-up ends; it began at boot_tsc_entry. Read from outside (tests/bench). */
static volatile u64 boot_tsc_first_guest;

NORETURN void cpu_idle_loop(void)
{
    struct cpu *c = this_cpu();

    context_idle();
    for (;;) {
        u64 work = take_work();

        assert(c->lock_level == 0 && !c->current);

        if (work & WORK_CALL)
            world_join();
        if (work & WORK_TICK)
            tick_work();
        struct vcpu *next = pick_next(&queues[c->id], NULL);
        if (next) {
            c->in_guest_hint = 0;
            context_load(next);
            if (!boot_tsc_first_guest)
                boot_tsc_first_guest = rdtsc();
            leave_to_guest();
        }
        if (reap_some())
            continue;
        asm volatile("cli");
        if (!c->work) {
            c->in_guest_hint = 1;
            asm volatile("sti; hlt" ::: "memory");
        } else {
            asm volatile("sti");
        }
    }
}
