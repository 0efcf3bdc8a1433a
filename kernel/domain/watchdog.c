/*
 * Watchdogs of domains: see watchdog.h.
 */
#include "domain/watchdog.h"
#include "abi/errno.h"
#include "abi/sched.h"
#include "lib/trace.h"
#include "x86/clock.h"

static void watchdog_fires(struct timer *t)
{
    struct domain_watchdog *w = container_of(t, struct domain_watchdog, timer);

    if (!w->domain->dying)
        domain_shutdown(w->domain, SHUTDOWN_watchdog);
}

void watchdog_init(struct domain *d)
{
    for (u32 i = 0; i < NR_WATCHDOGS; i++) {
        timer_init(&d->watchdogs[i].timer, watchdog_fires);
        d->watchdogs[i].domain = d;
    }
}

static void start(struct domain_watchdog *w, u32 seconds)
{
    w->in_use = true;
    timer_set(&w->timer, clock_ns() + seconds * 1000000000UL);
}

static s64 start_new(struct domain *d, u32 seconds)
{
    for (u32 i = 0; i < NR_WATCHDOGS; i++) {
        if (d->watchdogs[i].in_use)
            continue;
        start(&d->watchdogs[i], seconds);
        return i + 1;
    }
    return refuse(-XEN_ENOSPC, seconds);
}

static s64 change(struct domain_watchdog *w, u32 seconds)
{
    if (!w->in_use)
        return refuse(-XEN_EINVAL, seconds);
    if (seconds) {
        start(w, seconds);
    } else {
        timer_stop(&w->timer);
        w->in_use = false;
    }
    return 0;
}

s64 watchdog_set(struct domain *d, u32 id, u32 timeout)
{
    s64 result;

    if (id > NR_WATCHDOGS)
        return refuse(-XEN_EINVAL, id);
    spin_lock(&d->mem.lock);
    if (id == 0)
        result = timeout ? start_new(d, timeout) : refuse(-XEN_EINVAL, id);
    else
        result = change(&d->watchdogs[id - 1], timeout);
    spin_unlock(&d->mem.lock);
    return result;
}

bool watchdog_kill(struct domain *d)
{
    bool killed = true;

    for (u32 i = 0; i < NR_WATCHDOGS; i++)
        killed &= timer_kill(&d->watchdogs[i].timer);
    return killed;
}
