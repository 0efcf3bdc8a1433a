/*
 * sched_op and the old sched_op_compat: yield, block, poll, shutdown (Xen's public sched.h).
 */
#include "abi/sched.h"
#include "domain/sched.h"
#include "hypercall/handlers.h"

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
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

/* The same with the reason by value, as old NetBSD calls it. */
s64 hc_sched_op_compat(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    switch ((u32)cmd) {
    case SCHEDOP_yield:
        return yield();
    case SCHEDOP_block:
        return block();
    case SCHEDOP_shutdown:
        domain_shutdown(current_domain(), (u32)arg);
        return 0;
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}
