/*
 * Waiting for an event, by the running vCPU: block and poll (see sched.h).
 *
 * The reason to sleep is set first, then what is waited for is looked at; who raises an event sets it first and looks at the sleepers then. Both
 * with locked operations: so one of them sees the other.
 */
#include "domain/event.h"
#include "abi/errno.h"
#include "domain/sched.h"
#include "lib/trace.h"

/* LAB 3.3b: Block and poll: the running vCPU sleeps until an event, and none is missed. */
static bool upcall_waits(const struct vcpu *v)
{
    const struct vcpu_info *info = v->ctx.info;

    return __atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) &&
           !info->evtchn_upcall_mask;
}

/* The CPU leaves the vCPU on the way out of its hypercall. */
static void go_to_sleep(struct vcpu *v)
{
    __atomic_fetch_or(&v->waits, WAIT_EVENT, __ATOMIC_SEQ_CST);
    cpu_kick(this_cpu()->id, WORK_RESCHED);
}

static void stay_awake(struct vcpu *v)
{
    __atomic_fetch_and(&v->waits, ~(u32)WAIT_EVENT, __ATOMIC_SEQ_CST);
}

void sched_block(void)
{
    struct vcpu *v = current_vcpu();

    if (v->poll_port)
        sched_poll_ends(v);
    v->ctx.info->evtchn_upcall_mask = 0;
    go_to_sleep(v);
    if (upcall_waits(v))
        stay_awake(v);
}

/* 1: a port is pending, 0: none is. -XEN_EINVAL: there is no such port. */
static s64 look_at_ports(const struct domain *d, const u32 *ports, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        if (ports[i] >= EVTCHN_2L_NR_CHANNELS)
            return refuse(-XEN_EINVAL, ports[i]);
        if (event_pending(d, ports[i]))
            return 1;
    }
    return 0;
}

s64 sched_poll(const u32 *ports, u32 n, u64 timeout)
{
    struct vcpu *v = current_vcpu();
    struct domain *d = v->domain;

    v->poll_port = n == 1 ? ports[0] : POLL_ANY;
    if (!v->poll_port)
        v->poll_port = POLL_ANY; /* port 0 is nobody's */
    __atomic_fetch_or(&d->pollers, (u32)BIT(v->id), __ATOMIC_SEQ_CST);
    go_to_sleep(v);
    s64 found = upcall_waits(v) ? 1 : look_at_ports(d, ports, n);
    if (found) {
        stay_awake(v);
        sched_poll_ends(v);
        return min(found, 0L);
    }
    if (timeout)
        timer_set(&v->poll_timer, timeout);
    return 0;
}

/* By the vCPU itself, or while it does not run: when it goes on. */
void sched_poll_ends(struct vcpu *v)
{
    v->poll_port = 0;
    __atomic_fetch_and(&v->domain->pollers, ~(u32)BIT(v->id), __ATOMIC_SEQ_CST);
    timer_stop(&v->poll_timer);
}

void sched_wake_polling(struct domain *d, u32 port)
{
    u32 pollers = __atomic_load_n(&d->pollers, __ATOMIC_SEQ_CST);

    for (; pollers; pollers &= pollers - 1) {
        struct vcpu *v = d->vcpus[__builtin_ctz(pollers)];
        u32 polled = __atomic_load_n(&v->poll_port, __ATOMIC_RELAXED);

        if (polled == port || polled == POLL_ANY)
            sched_wake(v, WAIT_EVENT);
    }
}
/* END LAB 3.3b */
