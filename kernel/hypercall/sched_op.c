/*
 * sched_op and the old sched_op_compat: yield and shutdown (Xen's public sched.h). Block and poll come with events.
 */
#include "abi/sched.h"
#include "hypercall/handlers.h"

static s64 yield(void)
{
    __atomic_fetch_or(&this_cpu()->work, WORK_RESCHED, __ATOMIC_SEQ_CST);
    return 0;
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
    case SCHEDOP_shutdown:
        domain_shutdown(current_domain(), (u32)arg);
        return 0;
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}
