/*
 * Timers: see timer.h.
 *
 * The hardware's timer is set lazily: never later than the first of the heap needs it, often earlier. An interrupt for which nothing is due
 * only sets it anew, so a time that is moved back again and again (a slice, a guest's one-shot timer) costs no access to the APIC.
 */
#include "domain/timer.h"
#include "x86/apic.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/lock.h"

static struct timer_queue {
    struct spinlock lock;
    struct heap heap; /* lock: only its CPU inserts, any CPU removes */
} queues[NR_CPUS];

void timers_init(void)
{
    for (u32 i = 0; i < NR_CPUS; i++)
        queues[i].lock = SPINLOCK_INIT(LOCK_TIMER);
}

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
    *t = (struct timer){ .fire = fire };
}

/* The timer may move to another CPU's heap as long as its own isn't locked. */
static struct timer_queue *lock_queue_of(struct timer *t)
{
    for (;;) {
        u32 cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);
        struct timer_queue *q = &queues[cpu];

        spin_lock(&q->lock);
        if (likely(t->cpu == cpu))
            return q;
        spin_unlock(&q->lock);
    }
}

static void take_out(struct timer_queue *q, struct timer *t)
{
    if (t->queued)
        heap_remove(&q->heap, &t->node);
    t->queued = false;
}

void timer_set(struct timer *t, u64 when)
{
    u32 here = this_cpu()->id;
    struct timer_queue *q;

    assert(t->fire);
    for (;;) {
        q = lock_queue_of(t);
        take_out(q, t);
        if (likely(t->cpu == here))
            break;
        __atomic_store_n(&t->cpu, here, __ATOMIC_RELAXED);
        spin_unlock(&q->lock);
    }
    heap_insert(&q->heap, &t->node, when);
    t->queued = true;
    spin_unlock(&q->lock);
    apic_timer_by(when);
}

void timer_stop(struct timer *t)
{
    struct timer_queue *q = lock_queue_of(t);

    take_out(q, t);
    spin_unlock(&q->lock);
}

bool timer_kill(struct timer *t)
{
    if (!t->fire)
        return true; /* never made */
    timer_stop(t);
    return !__atomic_load_n(&t->firing, __ATOMIC_ACQUIRE);
}

/* Take the first timer that is due out of this CPU's heap, or say in *next when one will be. */
static struct timer *next_due(struct timer_queue *q, u64 now, u64 *next)
{
    struct timer *due = NULL;

    spin_lock(&q->lock);
    struct heap_node *first = heap_first(&q->heap);
    *next = first ? first->key : TIMER_NEVER;
    if (*next <= now) {
        due = heap_entry(first, struct timer, node);
        take_out(q, due);
        __atomic_fetch_add(&due->firing, 1, __ATOMIC_RELAXED);
    }
    spin_unlock(&q->lock);
    return due;
}

void timers_run(void)
{
    struct timer_queue *q = &queues[this_cpu()->id];
    struct timer *t;
    u64 now = clock_ns(); /* those that fall due meanwhile have an interrupt of their own */
    u64 next;

    while ((t = next_due(q, now, &next)) != NULL) {
        t->fire(t);
        __atomic_fetch_sub(&t->firing, 1, __ATOMIC_RELEASE);
    }
    apic_timer_by(next);
}

void timers_idle(void)
{
    struct timer_queue *q = &queues[this_cpu()->id];

    spin_lock(&q->lock);
    struct heap_node *first = heap_first(&q->heap);
    u64 next = first ? first->key : TIMER_NEVER;
    spin_unlock(&q->lock);
    apic_timer_at(next);
}
