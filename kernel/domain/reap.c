/*
 * Teardown of ended domains: see reap.h. One CPU at a time does it (`busy`); the others run guests meanwhile.
 *
 * A domain is ready when none of its vCPUs runs and no CPU has its page tables loaded (mem.cpus is empty). Then all that keeps
 * references is given back, in the order in which it can be interrupted: vCPUs first (base pointers, descriptor tables), memory after.
 */
#include "domain/reap.h"
#include "domain/console.h"
#include "domain/control.h"
#include "domain/descriptor.h"
#include "domain/event.h"
#include "domain/fpu.h"
#include "domain/grant.h"
#include "domain/pirq.h"
#include "domain/sched.h"
#include "domain/vcpu_timer.h"
#include "domain/watchdog.h"
#include "lib/debug.h"
#include "mm/alloc.h"
#include "mm/memory.h"
#include "mm/type.h"

static struct spinlock list_lock = SPINLOCK_INIT(LOCK_DOMLIST);
static struct domain *dying; /* DOMLIST */
static bool busy;            /* a */
static bool begun;           /* a: start-up has made all its domains */

void reap_add(struct domain *d)
{
    spin_lock(&list_lock);
    d->next_dying = dying;
    dying = d;
    spin_unlock(&list_lock);
}

static bool has_left_all_cpus(struct domain *d)
{
    if (control_is_busy(d))
        return false;
    for (u32 i = 0; i < ARRAY_SIZE(d->mem.cpus.bits); i++)
        if (__atomic_load_n(&d->mem.cpus.bits[i], __ATOMIC_ACQUIRE))
            return false;
    for (u32 i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i] && !sched_has_left(d->vcpus[i]))
            return false;
    return true;
}

static struct domain *find_ready(void)
{
    spin_lock(&list_lock);
    struct domain *d = dying;
    while (d && !has_left_all_cpus(d))
        d = d->next_dying;
    spin_unlock(&list_lock);
    return d;
}

static void unlink_dying(struct domain *d)
{
    spin_lock(&list_lock);
    struct domain **link = &dying;
    while (*link != d)
        link = &(*link)->next_dying;
    *link = d->next_dying;
    spin_unlock(&list_lock);
}

/* Give back one typed reference that a vCPU holds; *mfn is INVALID_MFN if there is none, and afterwards. False: to be called again. */
static bool give_back(struct domain_memory *m, mfn_t *mfn)
{
    if (mfn->n == INVALID_MFN.n)
        return true;
    if (!memory_enter(m))
        return false;
    type_put(m, *mfn);
    *mfn = INVALID_MFN;
    memory_leave(m);
    return true;
}

static bool give_back_base(struct domain_memory *m, u64 *cr3)
{
    mfn_t l4 = *cr3 ? MFN(*cr3 >> PAGE_SHIFT) : INVALID_MFN;

    if (!give_back(m, &l4))
        return false;
    *cr3 = 0;
    return true;
}

static bool drop_walk_result(struct domain_memory *m, struct walk_result *result)
{
    if (result->state == WALK_NONE)
        return true;
    if (!memory_enter(m))
        return false;
    walk_forget(m, result);
    memory_leave(m);
    return true;
}

/* Give back what a vCPU holds beside its memory. Runs again from the start if it was interrupted: each step leaves nothing to do twice. */
static bool release_vcpu(struct vcpu *v)
{
    struct domain_memory *m = &v->domain->mem;

    if (!sched_remove(v) || !vcpu_timers_kill(v))
        return false;
    fpu_forget(v);
    return descriptor_release(v) && give_back_base(m, &v->ctx.cr3_user) &&
           give_back_base(m, &v->ctx.cr3_kernel) && give_back(m, &v->info_mfn) &&
           drop_walk_result(m, &v->walk);
}

/* Events first: from then on nobody writes to a vcpu_info or to a console ring any more. */
static bool release_domain(struct domain *d)
{
    if (!watchdog_kill(d) || !event_destroy(d))
        return false;
    for (u32 i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i] && !release_vcpu(d->vcpus[i]))
            return false;
    pirq_release(d);
    if (!give_back(&d->mem, &d->console_ring.mfn) || !give_back(&d->mem, &d->pirq_page))
        return false;
    return grant_table_end(&d->mem) && memory_release(&d->mem) && grant_maps_end(&d->mem);
}

void reap_begin(void)
{
    __atomic_store_n(&begun, true, __ATOMIC_RELEASE);
}

bool reap_some(void)
{
    if (!dying || !__atomic_load_n(&begun, __ATOMIC_ACQUIRE) ||
        __atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
        return false;
    struct domain *d = find_ready();
    bool found = d != NULL;

    if (found && release_domain(d)) {
        unlink_dying(d);
        console_forget(d);
        domain_free(d);
    }
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
    return found;
}
