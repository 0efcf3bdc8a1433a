/*
 * What a toolstack does with domains as a whole: see control.h.
 */
#include "domain/control.h"
#include "abi/errno.h"
#include "abi/sched.h"
#include "domain/event.h"
#include "domain/reap.h"
#include "domain/sched.h"
#include "lib/debug.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/trace.h"

#define PAUSES_MAX 255 /* more are a bug of the toolstack; Xen's limit */

static bool entered; /* a */

bool control_enter(void)
{
    return !__atomic_exchange_n(&entered, true, __ATOMIC_ACQUIRE);
}

void control_leave(void)
{
    assert(entered);
    __atomic_store_n(&entered, false, __ATOMIC_RELEASE);
}

/* Teardown looks at `controlled` after it has set `dying`; here it is the other way round. */
struct domain *control_get(u16 domid)
{
    struct domain *d = domain_hold(domid);

    if (d)
        __atomic_fetch_add(&d->controlled, 1, __ATOMIC_SEQ_CST);
    return d;
}

void control_put(struct domain *d)
{
    __atomic_fetch_sub(&d->controlled, 1, __ATOMIC_SEQ_CST);
    domain_let_go(d);
}

bool control_is_busy(const struct domain *d)
{
    return __atomic_load_n(&d->controlled, __ATOMIC_SEQ_CST) != 0;
}

/* ---- making and pausing ---- */

/* Shown first, then looked whether a toolstack is left: the last one may have ended while nobody could find this domain. */
s64 control_create(u16 domid, u32 vcpus, const u8 *handle, u16 *id)
{
    struct domain_config config = { .vcpus = vcpus, .built = true, .domid = domid };

    if (domid && !domain_id_free(domid))
        return refuse(-XEN_EEXIST, domid);
    struct domain *d = domain_create(&config);
    if (!d)
        return refuse(-XEN_ENOMEM, vcpus);
    memcpy(d->handle, handle, sizeof(d->handle));
    *id = d->id;
    domain_show(d);
    control_orphans();
    return 0;
}

s64 control_pause(struct domain *d)
{
    if (d->pauses == PAUSES_MAX)
        return refuse(-XEN_EOVERFLOW, d->id);
    if (d->pauses++ == 0)
        for (u32 i = 0; i < d->max_vcpus; i++)
            sched_pause(d->vcpus[i]);
    return 0;
}

s64 control_unpause(struct domain *d)
{
    if (!d->pauses)
        return refuse(-XEN_EINVAL, d->id);
    if (--d->pauses == 0)
        for (u32 i = 0; i < d->max_vcpus; i++)
            sched_unpause(d->vcpus[i]);
    return 0;
}

/* The other CPU has been told and leaves at the end of what it does. It takes no lock to do so; but it may be the one that stops the world, and
 * wait for us. */
void control_stop_vcpu(struct vcpu *v, u32 waits)
{
    assert(v->domain != current_domain() && this_cpu()->lock_level == 0);
    sched_sleep(v, waits);
    while (!sched_has_left(v)) {
        world_join();
        cpu_relax();
    }
}

/* ---- ends ---- */

static void stop_all(struct domain *d)
{
    for (u32 i = 0; i < d->max_vcpus; i++)
        sched_pause(d->vcpus[i]);
}

/* Marked first, then looked whether a toolstack is left; control_orphans() does the two in the other order. */
bool control_keep(struct domain *d, enum domain_end end)
{
    if (!d->built || !d->vcpus[d->max_vcpus - 1])
        return false;
    spin_lock(&d->mem.lock);
    bool first = !d->shut_down && !d->dying;
    if (first) {
        d->end = end;
        __atomic_store_n(&d->shut_down, true, __ATOMIC_SEQ_CST);
    }
    spin_unlock(&d->mem.lock);
    if (!domain_toolstacks())
        return false;
    if (first) {
        trace_event(TRACE_DOMAIN, d->id, end);
        stop_all(d);
        event_virq_initial(VIRQ_DOM_EXC);
    }
    return true;
}

/* None of its vCPUs is up: it can't do anything by itself. */
static bool all_down(const struct domain *d)
{
    for (u32 i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i] && sched_is_up(d->vcpus[i]))
            return false;
    return true;
}

static bool is_orphan(struct domain *d)
{
    return d->built && !d->dying &&
           (__atomic_load_n(&d->shut_down, __ATOMIC_SEQ_CST) || d->pauses || all_down(d));
}

void control_orphans(void)
{
    struct domain *d;

    while (!domain_toolstacks() && (d = domain_hold_first(is_orphan))) {
        printk("%s: nobody is left who could look after it\n", d->name);
        domain_end_now(d, d->shut_down ? d->end : END_POWEROFF);
        domain_let_go(d);
    }
}

void control_destroy(struct domain *d)
{
    if (d->dying)
        return;
    if (!d->shut_down)
        printk("%s is destroyed\n", d->name);
    domain_end_now(d, d->shut_down ? d->end : END_POWEROFF);
}

bool control_reaped(u16 domid, u64 serial)
{
    reap_some();
    if (!domain_id_in_use(domid))
        return true;
    struct domain *d = domain_hold(domid);
    if (!d)
        return false; /* in the last step of its end, or, its number taken again, being made */
    bool another = d->serial != serial;
    domain_let_go(d);
    return another;
}
