/*
 * Timers of a vCPU: see vcpu_timer.h. They keep counting while it sleeps or waits; that is what wakes it.
 */
#include "domain/vcpu_timer.h"
#include "domain/event.h"
#include "domain/sched.h"
#include "x86/clock.h"

/* LAB 4.5: Set a vCPU's timers, and raise VIRQ_TIMER when their time comes, whatever it does then. */

static void singleshot_fires(struct timer *t)
{
    event_virq(container_of(t, struct vcpu, singleshot), VIRQ_TIMER);
}

/* A vCPU that is down has no use for ticks: they go on, silently, since it may come up again. */
static void periodic_fires(struct timer *t)
{
    struct vcpu *v = container_of(t, struct vcpu, periodic);
    u64 period = __atomic_load_n(&v->period, __ATOMIC_RELAXED);

    if (!period)
        return;
    event_virq(v, VIRQ_TIMER);
    timer_set(t,
              max(t->node.key + period, clock_ns())); /* late is no reason to be later ever after */
}

/* Only a poll that goes on: a later sleep of the same vCPU is none of this timer's business. */
static void poll_fires(struct timer *t)
{
    struct vcpu *v = container_of(t, struct vcpu, poll_timer);

    if (__atomic_load_n(&v->domain->pollers, __ATOMIC_SEQ_CST) & BIT(v->id))
        sched_wake(v, WAIT_EVENT);
}

void vcpu_timer_set(struct vcpu *v, u64 when)
{
    timer_set(&v->singleshot, when);
}

void vcpu_timer_stop(struct vcpu *v)
{
    timer_stop(&v->singleshot);
}

void vcpu_timer_set_periodic(struct vcpu *v, u64 period)
{
    __atomic_store_n(&v->period, period, __ATOMIC_RELAXED);
    if (period)
        timer_set(&v->periodic, clock_ns() + period);
    else
        timer_stop(&v->periodic);
}

/* END LAB 4.5 */

void vcpu_timers_init(struct vcpu *v)
{
    timer_init(&v->singleshot, singleshot_fires);
    timer_init(&v->periodic, periodic_fires);
    timer_init(&v->poll_timer, poll_fires);
}

bool vcpu_timers_kill(struct vcpu *v)
{
    __atomic_store_n(&v->period, 0, __ATOMIC_RELAXED);
    return timer_kill(&v->singleshot) && timer_kill(&v->periodic) && timer_kill(&v->poll_timer);
}
