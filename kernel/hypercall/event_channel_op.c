/*
 * event_channel_op, and the older form of it with the command in memory (Xen's public event_channel.h). The FIFO form of events is
 * refused with -ENOSYS: guests then use the two-level one.
 *
 * Sending is what guests do all day: it is looked at first and needs nothing but its port.
 */
#include "abi/event_channel.h"
#include "domain/event.h"
#include "hypercall/handlers.h"

/*
 * The domain that an argument names, or NULL with *error set. Another one than the caller's own is for privileged callers, and is held: to be
 * given to put_target().
 */
static struct domain *find_target(u16 domid, s64 *error)
{
    struct domain *self = current_domain();

    if (domid == DOMID_SELF || domid == self->id)
        return self;
    struct domain *d = domain_hold(domid);
    if (!d) {
        *error = refuse(-XEN_ESRCH, domid);
        return NULL;
    }
    if (self->privileged)
        return d;
    domain_let_go(d);
    *error = refuse(-XEN_EPERM, domid);
    return NULL;
}

static void put_target(struct domain *d)
{
    if (d != current_domain())
        domain_let_go(d);
}

static u16 own_id_for_self(u16 domid)
{
    return domid == DOMID_SELF ? current_domain()->id : domid;
}

static s64 alloc_unbound(u64 arg)
{
    struct evtchn_alloc_unbound a;
    s64 error;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    struct domain *d = find_target(a.dom, &error);
    if (!d)
        return error;
    error = event_alloc_unbound(d, own_id_for_self(a.remote_dom), &a.port);
    put_target(d);
    if (!error && !copy_to_guest(arg, &a, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    return error;
}

static s64 bind_interdomain(u64 arg)
{
    struct evtchn_bind_interdomain a;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    s64 error =
        event_bind_interdomain(current_domain(), a.remote_dom, a.remote_port, &a.local_port);
    if (!error && !copy_to_guest(arg, &a, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    return error;
}

static s64 bind_virq(u64 arg)
{
    struct evtchn_bind_virq a;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    s64 error = event_bind_virq(current_domain(), a.virq, a.vcpu, &a.port);
    if (!error && !copy_to_guest(arg, &a, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    return error;
}

/* Physical interrupts are for privileged domains. */
static s64 bind_pirq(u64 arg)
{
    struct evtchn_bind_pirq a;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    return refuse(a.pirq < PIRQS ? -XEN_EPERM : -XEN_EINVAL, a.pirq);
}

static s64 bind_ipi(u64 arg)
{
    struct evtchn_bind_ipi a;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    s64 error = event_bind_ipi(current_domain(), a.vcpu, &a.port);
    if (!error && !copy_to_guest(arg, &a, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    return error;
}

static s64 bind_vcpu(u64 arg)
{
    struct evtchn_bind_vcpu a;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    return event_bind_vcpu(current_domain(), a.port, a.vcpu);
}

static s64 status(u64 arg)
{
    struct evtchn_status a;
    s64 error;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    struct domain *d = find_target(a.dom, &error);
    if (!d)
        return error;
    error = event_status(d, &a);
    put_target(d);
    if (!error && !copy_to_guest(arg, &a, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    return error;
}

/* Another domain's ports are only reset while it can't use them; that comes with domctl's pausing. */
static s64 reset(u64 arg)
{
    struct evtchn_reset a;
    s64 error;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    struct domain *d = find_target(a.dom, &error);
    if (!d)
        return error;
    error = event_reset(d);
    put_target(d);
    return error;
}

/* Close and unmask: an argument that is a port. */
static s64 on_port(u64 arg, s64 (*operation)(struct domain *d, u32 port))
{
    u32 port;

    if (!get_guest_u32(&port, arg))
        return refuse(-XEN_EFAULT, arg);
    return operation(current_domain(), port);
}

/* A send is out of line here, for the older call. */
static NOINLINE s64 operation(u32 cmd, u64 arg)
{
    switch (cmd) {
    case EVTCHNOP_bind_interdomain:
        return bind_interdomain(arg);
    case EVTCHNOP_bind_virq:
        return bind_virq(arg);
    case EVTCHNOP_bind_pirq:
        return bind_pirq(arg);
    case EVTCHNOP_close:
        return on_port(arg, event_close);
    case EVTCHNOP_send:
        return on_port(arg, event_send);
    case EVTCHNOP_status:
        return status(arg);
    case EVTCHNOP_alloc_unbound:
        return alloc_unbound(arg);
    case EVTCHNOP_bind_ipi:
        return bind_ipi(arg);
    case EVTCHNOP_bind_vcpu:
        return bind_vcpu(arg);
    case EVTCHNOP_unmask:
        return on_port(arg, event_unmask);
    case EVTCHNOP_reset:
        return reset(arg);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

/* Nothing of the arguments has been used up: they are read again. */
static NOINLINE s64 restart(u64 cmd, u64 arg)
{
    return hypercall_again(__HYPERVISOR_event_channel_op, cmd, arg);
}

static NOINLINE s64 slow(u64 cmd, u64 arg)
{
    s64 result = operation(cmd, arg);

    return unlikely(result == -XEN_ERESTART) ? restart(cmd, arg) : result;
}

static NOINLINE s64 send_rest(struct domain *d, u32 port, u64 arg)
{
    s64 result = event_send_rest(d, port);

    return unlikely(result == -XEN_ERESTART) ? restart(EVTCHNOP_send, arg) : result;
}

s64 hc_event_channel_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    u32 port;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if (unlikely((u32)cmd != EVTCHNOP_send) || unlikely(!get_guest_u32(&port, arg)))
        return slow(cmd, arg);
    struct domain *d = current_domain();
    s64 result;
    return event_send_begin(d, port, &result) ? result : send_rest(d, port, arg);
}

/* {u32 cmd; union}, and none of the operations that came later. */
s64 hc_event_channel_op_compat(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    u32 cmd;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if (!get_guest_u32(&cmd, arg))
        return refuse(-XEN_EFAULT, arg);
    if (cmd > EVTCHNOP_unmask)
        return refuse(-XEN_ENOSYS, cmd);
    s64 result = operation(cmd, arg + offsetof(struct evtchn_op, u));
    if (unlikely(result == -XEN_ERESTART))
        return hypercall_again(__HYPERVISOR_event_channel_op_compat, arg, a2);
    return result;
}
