/*
 * sched_op and the old sched_op_compat: give the CPU away, wait, end (Xen's public sched.h).
 */
#include "abi/sched.h"
#include "domain/sched.h"
#include "domain/watchdog.h"
#include "hypercall/handlers.h"
#include "mm/memory.h"

#define POLL_PORTS_MAX 128 /* as Xen */

static s64 yield(void)
{
    sched_yield();
    return 0;
}

static s64 block(void)
{
    sched_block();
    return 0;
}

static s64 poll(u64 arg)
{
    struct sched_poll p;
    u32 ports[POLL_PORTS_MAX];

    if (!copy_from_guest(&p, arg, sizeof(p)))
        return refuse(-XEN_EFAULT, arg);
    if (p.nr_ports > POLL_PORTS_MAX)
        return refuse(-XEN_EINVAL, p.nr_ports);
    if (p.nr_ports && !copy_from_guest(ports, p.ports, p.nr_ports * sizeof(ports[0])))
        return refuse(-XEN_EFAULT, p.ports);
    return sched_poll(ports, p.nr_ports, p.timeout);
}

static s64 shutdown(u64 arg)
{
    struct sched_shutdown s;

    if (!copy_from_guest(&s, arg, sizeof(s)))
        return refuse(-XEN_EFAULT, arg);
    domain_shutdown(current_domain(), s.reason);
    return 0;
}

/* Only noted: the shutdown that follows is for this reason, whatever it says itself. The first counts. */
static s64 shutdown_code(u64 arg)
{
    struct domain *d = current_domain();
    struct sched_shutdown s;

    if (!copy_from_guest(&s, arg, sizeof(s)))
        return refuse(-XEN_EFAULT, arg);
    if (!d->noted_reason)
        d->noted_reason = (u8)s.reason + 1;
    return 0;
}

static s64 remote_shutdown(u64 arg)
{
    struct sched_remote_shutdown r;

    if (!copy_from_guest(&r, arg, sizeof(r)))
        return refuse(-XEN_EFAULT, arg);
    struct domain_memory *m = memory_find(r.domain_id); /* keeps the domain until it is let go */
    if (!m)
        return refuse(-XEN_ESRCH, r.domain_id);
    s64 error = current_domain()->privileged ? 0 : refuse(-XEN_EPERM, r.domain_id);
    if (!error)
        domain_shutdown(container_of(m, struct domain, mem), (u8)r.reason);
    memory_let_go(m);
    return error;
}

static s64 watchdog(u64 arg)
{
    struct sched_watchdog w;

    if (!copy_from_guest(&w, arg, sizeof(w)))
        return refuse(-XEN_EFAULT, arg);
    return watchdog_set(current_domain(), w.id, w.timeout);
}

static s64 pin_override(u64 arg)
{
    struct sched_pin_override p;

    if (!current_domain()->privileged)
        return refuse(-XEN_EPERM, arg);
    if (!copy_from_guest(&p, arg, sizeof(p)))
        return refuse(-XEN_EFAULT, arg);
    return p.pcpu < 0 ? sched_end_override() : sched_override((u32)p.pcpu);
}

s64 hc_sched_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    switch ((u32)cmd) {
    case SCHEDOP_yield:
        return yield();
    case SCHEDOP_block:
        return block();
    case SCHEDOP_poll:
        return poll(arg);
    case SCHEDOP_shutdown:
        return shutdown(arg);
    case SCHEDOP_remote_shutdown:
        return remote_shutdown(arg);
    case SCHEDOP_shutdown_code:
        return shutdown_code(arg);
    case SCHEDOP_watchdog:
        return watchdog(arg);
    case SCHEDOP_pin_override:
        return pin_override(arg);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

/* The same with the reason by value, as old NetBSD calls it; and nothing else that came later. */
s64 hc_sched_op_compat(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    if ((u32)cmd == SCHEDOP_yield || (u32)cmd == SCHEDOP_block)
        return hc_sched_op(cmd, arg, a3, a4, a5, a6);
    if ((u32)cmd != SCHEDOP_shutdown)
        return refuse(-XEN_ENOSYS, cmd);
    domain_shutdown(current_domain(), (u32)arg);
    return 0;
}
