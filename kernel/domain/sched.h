/*
 * Which vCPU runs where, and which sleeps: the mechanism. Who is next is the policy's word (scheduler.h), chosen at boot by `sched=`.
 *
 * A vCPU wants to run as long as v->waits is 0; each bit is a reason to sleep. Setting one is always safe: the vCPU leaves its
 * CPU when it next passes schedule(). Clearing the last one makes it runnable on its CPU's queue. v->waits is changed without
 * a lock, v->state only with the queue's, so what sends an event looks at one word and goes on if there is nothing to do.
 *
 * No function here may be called with a lock of level LOCK_SCHED or higher, or from an interrupt.
 */
#ifndef KOAN_DOMAIN_SCHED_H
#define KOAN_DOMAIN_SCHED_H

#include "abi/vcpu.h"
#include "domain/domain.h"

/* Bits of v->waits. What has none of them runs, or waits for a CPU. */
#define WAIT_EVENT  BIT(0) /* SCHEDOP_block or _poll: until an event, or a time-out */
#define WAIT_DOWN   BIT(1) /* VCPUOP_down, or not started yet */
#define WAIT_PAUSED BIT(2) /* v->paused isn't 0 */
#define WAIT_MOVE   BIT(3) /* it may not run on its CPU any more, and is to be given another */

/* `sched=` on the command line: false if there is no such policy. Before sched_init(). */
bool sched_choose(const char *name, size_t length);
const char *sched_name(void);

void sched_init(void);

/* Start-up of a domain: the usual weight. */
void sched_init_domain(struct domain *d);

/* What its owner asks of the policy. -XEN_EINVAL: out of range. */
s64 sched_set_params(struct domain *d, const struct sched_params *params);
void sched_get_params(const struct domain *d, struct sched_params *params);

/* Start-up of a vCPU: a place on the CPU with the fewest. It is down. */
void sched_init_vcpu(struct vcpu *v);

/* Clear reasons to sleep; it becomes runnable if none is left. */
void sched_wake(struct vcpu *v, u32 waits);

/* Set reasons to sleep: the running vCPU leaves on the way out of its hypercall, another one soon. */
void sched_sleep(struct vcpu *v, u32 waits);

/* Counted; a vCPU that is paused still runs for a moment: sched_has_left() tells. */
void sched_pause(struct vcpu *v);
void sched_unpause(struct vcpu *v);

/* Its registers are all in v->ctx. Stays true only while something keeps it from running. */
bool sched_has_left(const struct vcpu *v);

/* Is it up, as VCPUOP_is_up says? */
static inline bool sched_is_up(const struct vcpu *v)
{
    return !(__atomic_load_n(&v->waits, __ATOMIC_RELAXED) & WAIT_DOWN);
}

/* Have the CPU on which it runs look at what is to be delivered, even if that is this one. */
static ALWAYS_INLINE void sched_kick_upcall(struct vcpu *v)
{
    if (__atomic_load_n(&v->state, __ATOMIC_RELAXED) == VCPU_RUNNING)
        cpu_kick(__atomic_load_n(&v->cpu, __ATOMIC_RELAXED), WORK_UPCALL);
}

/* An upcall has become pending for the vCPU: wake it, or have its CPU look, if it isn't this one. Cheap when there is nothing to do. */
static ALWAYS_INLINE void sched_notify(struct vcpu *v)
{
    if (unlikely(__atomic_load_n(&v->waits, __ATOMIC_RELAXED) & WAIT_EVENT))
        sched_wake(v, WAIT_EVENT);
    else if (v != current_vcpu())
        sched_kick_upcall(v);
}

/* A port has been raised, masked or not: wake those that poll it. The event's pending bit must be set before (with a locked operation). */
void sched_wake_polling(struct domain *d, u32 port);
static ALWAYS_INLINE void sched_wake_pollers(struct domain *d, u32 port)
{
    if (unlikely(__atomic_load_n(&d->pollers, __ATOMIC_RELAXED)))
        sched_wake_polling(d, port);
}

/* The running vCPU sleeps from its way out on, until an event: SCHEDOP_block. */
void sched_block(void);

/* The same until one of these ports is pending, masked or not, or until a system time unless that is 0: SCHEDOP_poll. 0, or -XEN_EINVAL for a port
 * that can't be. */
#define POLL_ANY (~0U) /* v->poll_port: more than one */
s64 sched_poll(const u32 *ports, u32 n, u64 timeout);
void sched_poll_ends(struct vcpu *v);

/* The running vCPU gives the CPU away once. */
void sched_yield(void);

/* Have the CPU look at a vCPU that runs there: its domain has ended. */
void sched_kick(struct vcpu *v);

/* For a while the running vCPU may run on this CPU only, whatever its affinity: SCHEDOP_pin_override. 0 or -XEN_E*. */
s64 sched_override(u32 cpu);
s64 sched_end_override(void);

/* The one CPU where it may run, or -1: there are several. */
s32 sched_pinned_to(const struct vcpu *v);

/* Take out for good a vCPU that does not run. False: it does, to be called again. */
bool sched_remove(struct vcpu *v);

/* Where it may run; false: no CPU of the mask exists. It may have to move, which the running vCPU does on its way out. */
bool sched_set_affinity(struct vcpu *v, const struct cpumask *mask);

/* Where it would rather run, of the CPUs where it may: it goes there, and when it has to move it is given one of those if there is one. A CPU that has
 * nothing else to do may take it over all the same. */
void sched_set_soft_affinity(struct vcpu *v, const struct cpumask *mask);

/* Its run-state times up to now. */
void sched_get_runstate(struct vcpu *v, struct vcpu_runstate_info *info);

/* Called on the way out to a guest: give the CPU to the next vCPU if there is one, or go idle. May not return (the stack is empty then). */
void schedule(struct regs *regs);

/* The loop of a CPU without a vCPU. Start-up ends here on every CPU. */
NORETURN void cpu_idle_loop(void);

#endif
