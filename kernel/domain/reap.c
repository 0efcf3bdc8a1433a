/*
 * Teardown of ended domains: see reap.h. One CPU at a time does it (`busy`); the others run guests meanwhile.
 *
 * A domain is ready when none of its vCPUs runs and no CPU has its page tables loaded (mem.cpus is empty). Then all that keeps
 * references is given back, in the order in which it can be interrupted: vCPUs first (base pointers, descriptor tables), memory after.
 */
#include "domain/reap.h"
#include "domain/console.h"
#include "domain/descriptor.h"
#include "domain/fpu.h"
#include "domain/sched.h"
#include "lib/debug.h"
#include "mm/alloc.h"

static struct spinlock list_lock = SPINLOCK_INIT(LOCK_DOMLIST);
static struct domain *dying; /* DOMLIST */
static bool busy;            /* a */

void reap_add(struct domain *d)
{
    spin_lock(&list_lock);
    d->next_dying = dying;
    dying = d;
    spin_unlock(&list_lock);
}

static bool has_left_all_cpus(struct domain *d)
{
    for (u32 i = 0; i < ARRAY_SIZE(d->mem.cpus.bits); i++)
        if (__atomic_load_n(&d->mem.cpus.bits[i], __ATOMIC_ACQUIRE))
            return false;
    for (u32 i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i] && __atomic_load_n(&d->vcpus[i]->state, __ATOMIC_ACQUIRE) == VCPU_RUNNING)
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

/* Give back what a vCPU holds beside its memory. Runs again from the start if it was interrupted: each step leaves nothing to do twice. */
static bool release_vcpu(struct vcpu *v)
{
    sched_remove(v);
    fpu_forget(v);
    descriptor_release(v);
    return memory_release_vcpu(&v->domain->mem, &v->ctx.cr3_kernel, &v->ctx.cr3_user, &v->info_mfn,
                               &v->walk);
}

static bool release_domain(struct domain *d)
{
    for (u32 i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i] && !release_vcpu(d->vcpus[i]))
            return false;
    return memory_release(&d->mem);
}

bool reap_some(void)
{
    if (!dying || __atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
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
