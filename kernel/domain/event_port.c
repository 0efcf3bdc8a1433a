/*
 * Making and closing ports: see event.h.
 *
 * A new port is the lowest free one. A connection between two domains belongs to both: making and ending it takes both locks. Ending
 * it begins with one, whose port says which the other domain is; in between the peer may have ended it, so that is looked at again.
 */
#include "domain/event_port.h"
#include "domain/console_ring.h"
#include "domain/event.h"
#include "domain/pirq.h"
#include "abi/errno.h"
#include "lib/trace.h"
#include "mm/alloc.h"

#define CLOSE_BATCH 16 /* ports closed between two looks at pending work */

void event_lock_two(struct domain *a, struct domain *b)
{
    struct domain *first = a->id < b->id ? a : b;

    spin_lock(&first->events.lock);
    if (a != b)
        spin_lock_as(&(first == a ? b : a)->events.lock, LOCK_EVENT2);
}

void event_unlock_two(struct domain *a, struct domain *b)
{
    spin_unlock(&a->events.lock);
    if (a != b)
        spin_unlock(&b->events.lock);
}

/* ---- places ---- */

static bool add_page(struct event_table *t)
{
    mfn_t mfn = alloc_koan_page();

    if (mfn.n == INVALID_MFN.n)
        return false;
    t->pages[t->ports / EVENT_PORTS_PER_PAGE] = mfn_to_virt(mfn);
    __atomic_store_n(&t->ports, t->ports + EVENT_PORTS_PER_PAGE, __ATOMIC_RELEASE);
    return true;
}

bool event_init(struct domain *d)
{
    struct event_table *t = &d->events;

    t->lock = SPINLOCK_INIT(LOCK_EVENT);
    if (!add_page(t))
        return false;
    t->pages[0][0].state = EVENT_RESERVED;
    t->lowest_free = 1;
    return true;
}

/* A free port, which the caller puts to use: 0 or an error. Under the lock. */
static s64 find_free(struct domain *d, u32 *port)
{
    struct event_table *t = &d->events;
    u32 n = t->lowest_free;

    if (t->closing)
        return refuse(-XEN_ESRCH, d->id);
    while (n < t->ports && event_port_at(d, n)->state != EVENT_FREE)
        n++;
    t->lowest_free = n;
    if (n == EVTCHN_2L_NR_CHANNELS || (n == t->ports && !add_page(t)))
        return refuse(-XEN_ENOSPC, n);
    *port = t->lowest_free;
    return 0;
}

/* An event that was pending belongs to nobody any more. The mask is the guest's business. */
static void free_port(struct domain *d, u32 port, struct event_port *e)
{
    bitmap_clear_atomic(d->shared->evtchn_pending, port);
    *e = (struct event_port){ .state = EVENT_FREE };
    d->events.lowest_free = min(d->events.lowest_free, port);
}

/* ---- making ---- */

/* A port that concerns one domain only. */
static s64 new_port(struct domain *d, struct event_port contents, u32 *port)
{
    spin_lock(&d->events.lock);
    s64 error = find_free(d, port);
    if (!error) {
        if (contents.state == EVENT_IPI)
            contents.port = *port;
        *event_port_at(d, *port) = contents;
    }
    spin_unlock(&d->events.lock);
    return error;
}

s64 event_alloc_unbound(struct domain *d, u16 remote_domid, u32 *port)
{
    return new_port(d, (struct event_port){ .state = EVENT_UNBOUND, .domid = remote_domid }, port);
}

s64 event_bind_hypervisor(struct domain *d, u32 *port)
{
    return new_port(d, (struct event_port){ .state = EVENT_HYPERVISOR }, port);
}

bool event_virq_is_global(u32 virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

static bool vcpu_exists(const struct domain *d, u32 vcpu)
{
    return vcpu < d->max_vcpus && d->vcpus[vcpu];
}

/* LAB 4.3b: Bind ports to a virtual interrupt, to an IPI, to another domain's port, and end such a connection. */

s64 event_bind_ipi(struct domain *d, u32 vcpu, u32 *port)
{
    if (!vcpu_exists(d, vcpu))
        return refuse(-XEN_ENOENT, vcpu);
    return new_port(d, (struct event_port){ .state = EVENT_IPI, .vcpu = vcpu, .remote = d }, port);
}

s64 event_bind_virq(struct domain *d, u32 virq, u32 vcpu, u32 *port)
{
    s64 error;

    if (virq >= NR_VIRQS || (event_virq_is_global(virq) && vcpu))
        return refuse(-XEN_EINVAL, virq);
    if (!vcpu_exists(d, vcpu))
        return refuse(-XEN_ENOENT, vcpu);
    spin_lock(&d->events.lock);
    u16 *bound = &d->vcpus[vcpu]->virq_port[virq];
    if (*bound)
        error = refuse(-XEN_EEXIST, virq);
    else
        error = find_free(d, port);
    if (!error) {
        *event_port_at(d, *port) =
            (struct event_port){ .state = EVENT_VIRQ, .vcpu = vcpu, .virq = virq };
        *bound = *port;
    }
    spin_unlock(&d->events.lock);
    return error;
}

/*
 * May `d` connect with that port of `remote`? A port that the hypervisor serves may be taken over by a privileged domain: that is how
 * a dom0 gets the console of a domain that started without it.
 */
static bool may_connect(const struct domain *d, const struct event_port *e)
{
    if (!e)
        return false;
    return (e->state == EVENT_UNBOUND && e->domid == d->id) ||
           (e->state == EVENT_HYPERVISOR && d->privileged);
}

static s64 connect(struct domain *d, struct domain *remote, u32 remote_port, u32 *port)
{
    s64 error = find_free(d, port);

    if (error)
        return error;
    struct event_port *theirs = event_port_at(remote, remote_port);
    struct event_port *ours = event_port_at(d, *port);
    if (!may_connect(d, theirs))
        return refuse(-XEN_EINVAL, remote_port);
    if (theirs->state == EVENT_HYPERVISOR)
        console_ring_taken(remote);
    ours->state = theirs->state = EVENT_INTERDOMAIN;
    ours->remote = remote;
    ours->port = remote_port;
    theirs->remote = d;
    theirs->port = *port;
    /* What was sent while nobody was there is lost: so the new end looks once. */
    event_raise_locked(d, *port);
    return 0;
}

s64 event_bind_interdomain(struct domain *d, u16 remote_domid, u32 remote_port, u32 *port)
{
    struct domain *remote =
        remote_domid == DOMID_SELF || remote_domid == d->id ? d : domain_hold(remote_domid);

    if (!remote)
        return refuse(-XEN_ESRCH, remote_domid);
    event_lock_two(d, remote);
    s64 error = connect(d, remote, remote_port, port);
    event_unlock_two(d, remote);
    if (remote != d)
        domain_let_go(remote);
    return error;
}

/* The other end waits for a new peer; no other than this domain may be it. */
static void disconnect(struct domain *d, struct event_port *e)
{
    struct event_port *theirs = event_port_at(e->remote, e->port);

    assert(theirs && theirs->state == EVENT_INTERDOMAIN && theirs->remote == d);
    theirs->state = EVENT_UNBOUND;
    theirs->remote = NULL;
    theirs->domid = d->id;
}

/* END LAB 4.3b */

/* The line's interrupts come as soon as it is bound, and wait for the lock. */
s64 event_bind_pirq(struct domain *d, u32 pirq, u32 *port)
{
    spin_lock(&d->events.lock);
    s64 error = find_free(d, port);
    if (!error)
        error = pirq_bind(d, pirq, *port);
    if (!error)
        *event_port_at(d, *port) = (struct event_port){ .state = EVENT_PIRQ, .pirq = pirq };
    spin_unlock(&d->events.lock);
    return error;
}

/* ---- closing ---- */

/* Under the lock, and that of the peer if there is one. */
static void close_locked(struct domain *d, u32 port, struct event_port *e)
{
    switch (e->state) {
    case EVENT_INTERDOMAIN:
        disconnect(d, e);
        break;
    case EVENT_HYPERVISOR:
        console_ring_taken(d);
        break;
    case EVENT_VIRQ:
        d->vcpus[event_virq_is_global(e->virq) ? 0 : e->vcpu]->virq_port[e->virq] = 0;
        break;
    case EVENT_PIRQ:
        pirq_unbind(d, e->pirq, port);
        break;
    default:
        break;
    }
    free_port(d, port, e);
}

/* LAB 4.3c: Close a port whose other end may be closing just now, in another domain. */

/* The port was connected with another domain a moment ago. False: it no longer is with that one. */
static bool close_connected(struct domain *d, u32 port, u16 peer)
{
    struct domain *remote = domain_hold(peer);

    if (!remote)
        return false; /* it has closed its end and gone */
    event_lock_two(d, remote);
    struct event_port *e = event_port_used(d, port);
    bool still = e && e->state == EVENT_INTERDOMAIN && e->remote == remote;
    if (still)
        close_locked(d, port, e);
    event_unlock_two(d, remote);
    domain_let_go(remote);
    return still;
}

/* END LAB 4.3c */

/* 1: the port is connected with *peer and needs both locks. */
static s64 close_alone(struct domain *d, u32 port, u16 *peer)
{
    s64 result = 0;

    spin_lock(&d->events.lock);
    struct event_port *e = event_port_used(d, port);
    if (!e) {
        result = refuse(-XEN_EINVAL, port);
    } else if (e->state == EVENT_INTERDOMAIN && e->remote != d) {
        *peer = e->remote->id;
        result = 1;
    } else {
        close_locked(d, port, e);
    }
    spin_unlock(&d->events.lock);
    return result;
}

s64 event_close(struct domain *d, u32 port)
{
    s64 result;
    u16 peer;

    do
        result = close_alone(d, port, &peer);
    while (result == 1 && !close_connected(d, port, peer));
    return min(result, 0L);
}

/* Close ports from *next on; false: work is pending, *next says where to go on. */
static bool close_all(struct domain *d, u32 *next)
{
    u32 closed = 0;

    for (; *next < d->events.ports; ++*next) {
        if (event_port_at(d, *next)->state <= EVENT_RESERVED)
            continue;
        event_close(d, *next);
        if (++closed % CLOSE_BATCH == 0 && work_pending())
            return false;
    }
    return true;
}

s64 event_reset(struct domain *d)
{
    u32 next = 0;

    return close_all(d, &next) ? 0 : -XEN_ERESTART;
}

/* When `closing` has been seen, no port is made any more: closing ends. */
bool event_destroy(struct domain *d)
{
    struct event_table *t = &d->events;
    u32 next = 0;

    spin_lock(&t->lock);
    t->closing = true;
    spin_unlock(&t->lock);
    if (!close_all(d, &next))
        return false;
    spin_lock(&t->lock);
    u32 pages = t->ports / EVENT_PORTS_PER_PAGE;
    t->ports = 0;
    spin_unlock(&t->lock);
    for (u32 i = 0; i < pages; i++)
        alloc_free_koan_page(virt_to_mfn(t->pages[i]));
    return true;
}
