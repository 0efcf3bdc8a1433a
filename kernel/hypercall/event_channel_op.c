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

/*
 * The operations that answer in their argument, each on a copy that was read once.
 */
union argument {
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_status status;
};

static s64 alloc_unbound(union argument *a)
{
    s64 error;
    struct domain *d = find_target(a->alloc_unbound.dom, &error);

    if (!d)
        return error;
    error = event_alloc_unbound(d, own_id_for_self(a->alloc_unbound.remote_dom),
                                &a->alloc_unbound.port);
    put_target(d);
    return error;
}

static s64 bind_interdomain(union argument *a)
{
    struct evtchn_bind_interdomain *b = &a->bind_interdomain;

    return event_bind_interdomain(current_domain(), b->remote_dom, b->remote_port, &b->local_port);
}

static s64 bind_virq(union argument *a)
{
    return event_bind_virq(current_domain(), a->bind_virq.virq, a->bind_virq.vcpu,
                           &a->bind_virq.port);
}

static s64 bind_pirq(union argument *a)
{
    return event_bind_pirq(current_domain(), a->bind_pirq.pirq, &a->bind_pirq.port);
}

static s64 bind_ipi(union argument *a)
{
    return event_bind_ipi(current_domain(), a->bind_ipi.vcpu, &a->bind_ipi.port);
}

static s64 status(union argument *a)
{
    s64 error;
    struct domain *d = find_target(a->status.dom, &error);

    if (!d)
        return error;
    error = event_status(d, &a->status);
    put_target(d);
    return error;
}

/* The argument is given back with what has been filled in, unless the operation was refused. */
static s64 answer(u64 arg, size_t size, s64 (*operation)(union argument *a))
{
    union argument a;

    if (!copy_from_guest(&a, arg, size))
        return refuse(-XEN_EFAULT, arg);
    s64 error = operation(&a);
    if (!error && !copy_to_guest(arg, &a, size))
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

/* Another domain's ports are only reset while its toolstack keeps it from using them. */
static s64 reset(u64 arg)
{
    struct evtchn_reset a;
    s64 error;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    struct domain *d = find_target(a.dom, &error);
    if (!d)
        return error;
    if (d == current_domain() || __atomic_load_n(&d->pauses, __ATOMIC_RELAXED))
        error = event_reset(d);
    else
        error = refuse(-XEN_EINVAL, d->id);
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
        return answer(arg, sizeof(struct evtchn_bind_interdomain), bind_interdomain);
    case EVTCHNOP_bind_virq:
        return answer(arg, sizeof(struct evtchn_bind_virq), bind_virq);
    case EVTCHNOP_bind_pirq:
        return answer(arg, sizeof(struct evtchn_bind_pirq), bind_pirq);
    case EVTCHNOP_close:
        return on_port(arg, event_close);
    case EVTCHNOP_send:
        return on_port(arg, event_send);
    case EVTCHNOP_status:
        return answer(arg, sizeof(struct evtchn_status), status);
    case EVTCHNOP_alloc_unbound:
        return answer(arg, sizeof(struct evtchn_alloc_unbound), alloc_unbound);
    case EVTCHNOP_bind_ipi:
        return answer(arg, sizeof(struct evtchn_bind_ipi), bind_ipi);
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
