/*
 * domctl on vCPUs: contexts, what they do, where they may run, and the scheduler's parameters.
 */
#include "domain/control.h"
#include "domain/sched.h"
#include "domain/vcpu_context.h"
#include "hypercall/domctl.h"
#include "lib/string.h"

/* createdomain has made them; this only checks that both numbers are the same, as Xen does. */
s64 domctl_max_vcpus(struct domctl_call *c)
{
    u32 max = c->op.u.max_vcpus.max;

    return max == c->d->max_vcpus ? 0 : refuse(-XEN_EINVAL, max);
}

static s64 find_vcpu(const struct domctl_call *c, u32 id, struct vcpu **v)
{
    if (id >= c->d->max_vcpus)
        return refuse(-XEN_EINVAL, id);
    *v = c->d->vcpus[id];
    return 0;
}

/* ---- contexts ---- */

/* The vCPU whose context is meant: not one of the caller's own domain, as it must be stopped. */
static s64 find_others_vcpu(const struct domctl_call *c, struct vcpu **v)
{
    if (c->d == current_domain())
        return refuse(-XEN_EINVAL, c->d->id);
    return find_vcpu(c, c->op.u.vcpucontext.vcpu, v);
}

/* It is down while its context changes, and stays so if that is refused: it must not run with half of it. */
static s64 set_context(struct vcpu *v, const struct vcpu_guest_context *context)
{
    v->initialised = false;
    control_stop_vcpu(v, WAIT_DOWN);
    s64 error = vcpu_context_set(v, context, &v->domain->mem.foreign_result);
    if (!error && (context->flags & VGCF_online))
        sched_wake(v, WAIT_DOWN);
    return error;
}

/* The domain's own VCPUOP_initialise keeps out meanwhile. */
static NOINLINE s64 set_from(struct vcpu *v, u64 from)
{
    struct vcpu_guest_context context;

    if (!copy_from_guest(&context, from, sizeof(context)))
        return refuse(-XEN_EFAULT, from);
    if (__atomic_exchange_n(&v->initialising, true, __ATOMIC_ACQUIRE))
        return -XEN_ERESTART;
    s64 error = set_context(v, &context);
    __atomic_store_n(&v->initialising, false, __ATOMIC_RELEASE);
    return error;
}

s64 domctl_set_context(struct domctl_call *c)
{
    struct vcpu *v;
    s64 error = find_others_vcpu(c, &v);

    return error ? error : set_from(v, c->op.u.vcpucontext.ctxt);
}

static NOINLINE s64 get_to(struct vcpu *v, u64 to)
{
    struct vcpu_guest_context context;

    sched_pause(v);
    control_stop_vcpu(v, 0);
    vcpu_context_get(v, &context);
    sched_unpause(v);
    if (sched_is_up(v))
        context.flags |= VGCF_online;
    return copy_to_guest(to, &context, sizeof(context)) ? 0 : refuse(-XEN_EFAULT, to);
}

s64 domctl_get_context(struct domctl_call *c)
{
    struct vcpu *v;
    s64 error = find_others_vcpu(c, &v);

    if (!error && !v->initialised)
        error = refuse(-XEN_ENODATA, v->id);
    return error ? error : get_to(v, c->op.u.vcpucontext.ctxt);
}

s64 domctl_vcpu_info(struct domctl_call *c)
{
    struct xen_domctl_getvcpuinfo *info = &c->op.u.getvcpuinfo;
    struct vcpu_runstate_info times;
    struct vcpu *v;
    s64 error = find_vcpu(c, info->vcpu, &v);

    if (error)
        return error;
    sched_get_runstate(v, &times);
    info->online = sched_is_up(v);
    info->blocked = (v->waits & WAIT_EVENT) != 0;
    info->running = v->state == VCPU_RUNNING;
    info->cpu_time = times.time[RUNSTATE_running];
    info->cpu = v->cpu;
    c->answer = true;
    return 0;
}

/* ---- where they run ---- */

#define BITMAP_WORDS (NR_CPUS / 64)

s64 bitmap_from_guest(const struct xenctl_bitmap *from, u64 *bits, u32 words)
{
    u64 size = min((from->nr_bits + 7UL) / 8, words * sizeof(u64));
    u32 used = from->nr_bits;

    memset(bits, 0, words * sizeof(u64));
    if (!copy_from_guest(bits, from->bitmap, size))
        return refuse(-XEN_EFAULT, from->bitmap);
    if (used < words * 64 && used % 64)
        bits[used / 64] &= BIT(used % 64) - 1;
    return 0;
}

s64 bitmap_to_guest(const struct xenctl_bitmap *to, const u64 *bits, u32 words)
{
    u64 wanted = (to->nr_bits + 7UL) / 8, size = min(wanted, words * sizeof(u64));

    if (!copy_to_guest(to->bitmap, bits, size))
        return refuse(-XEN_EFAULT, to->bitmap);
    /* A guest's bitmap has no reason to be longer than what there can be; the rest stays as it was beyond a page. */
    u64 rest = min(wanted - size, (u64)PAGE_SIZE);
    return clear_guest(to->bitmap + size, rest) ? 0 : refuse(-XEN_EFAULT, to->bitmap);
}

/* Of the CPUs that there are: those of `hard`, and of both unless `soft` is NULL. */
static struct cpumask effective(const struct cpumask *hard, const struct cpumask *soft)
{
    struct cpumask mask = { 0 };

    for (u32 i = 0; i < nr_cpus; i++)
        if (cpumask_test(hard, i) && (!soft || cpumask_test(soft, i)))
            cpumask_set(&mask, i);
    return mask;
}

/* A call that concerns one of the two masks, or both. */
static s64 find_for_masks(const struct domctl_call *c, struct vcpu **v)
{
    const struct xen_domctl_vcpuaffinity *args = &c->op.u.vcpuaffinity;
    s64 error = find_vcpu(c, args->vcpu, v);

    if (!error && !(args->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
        error = refuse(-XEN_EINVAL, args->flags);
    return error;
}

/* The CPUs of a mask, or of what two have in common, to the caller. */
static s64 tell(const struct xenctl_bitmap *to, const struct cpumask *hard,
                const struct cpumask *soft)
{
    struct cpumask mask = effective(hard, soft);

    return bitmap_to_guest(to, mask.bits, BITMAP_WORDS);
}

static s64 set_hard(struct vcpu *v, const struct xenctl_bitmap *map)
{
    struct cpumask mask;
    s64 error = bitmap_from_guest(map, mask.bits, BITMAP_WORDS);

    if (!error && !sched_set_affinity(v, &mask))
        error = refuse(-XEN_EINVAL, mask.bits[0]);
    if (error)
        return error;
    return tell(map, &v->affinity, NULL);
}

static s64 set_soft(struct vcpu *v, const struct xenctl_bitmap *map)
{
    struct cpumask mask;
    s64 error = bitmap_from_guest(map, mask.bits, BITMAP_WORDS);

    if (error)
        return error;
    sched_set_soft_affinity(v, &mask);
    return tell(map, &v->affinity, &v->soft);
}

s64 domctl_set_affinity(struct domctl_call *c)
{
    const struct xen_domctl_vcpuaffinity *args = &c->op.u.vcpuaffinity;
    struct vcpu *v;
    s64 error = find_for_masks(c, &v);

    if (!error && args->flags & XEN_VCPUAFFINITY_HARD)
        error = set_hard(v, &args->cpumap_hard);
    if (!error && args->flags & XEN_VCPUAFFINITY_SOFT)
        error = set_soft(v, &args->cpumap_soft);
    return error;
}

s64 domctl_get_affinity(struct domctl_call *c)
{
    const struct xen_domctl_vcpuaffinity *args = &c->op.u.vcpuaffinity;
    struct vcpu *v;
    s64 error = find_for_masks(c, &v);

    if (!error && args->flags & XEN_VCPUAFFINITY_HARD)
        error = tell(&args->cpumap_hard, &v->affinity, NULL);
    if (!error && args->flags & XEN_VCPUAFFINITY_SOFT)
        error = tell(&args->cpumap_soft, &v->soft, NULL);
    return error;
}

/* ---- the scheduler's parameters ---- */

u32 domctl_sched_id(void)
{
    if (!strcmp(sched_name(), "credit"))
        return XEN_SCHEDULER_CREDIT;
    return !strcmp(sched_name(), "bvt") ? KOAN_SCHEDULER_BVT : KOAN_SCHEDULER_RR;
}

/* Weight and cap have their places in the credit scheduler's structure, whatever policy runs. 0 and ~0 leave them as they are. */
static void put_params(struct sched_params *p, const struct xen_domctl_sched_credit *wanted)
{
    if (wanted->weight)
        __atomic_store_n(&p->weight, wanted->weight, __ATOMIC_RELAXED);
    if (wanted->cap != 0xffff)
        __atomic_store_n(&p->cap, wanted->cap, __ATOMIC_RELAXED);
}

s64 domctl_scheduler(struct domctl_call *c)
{
    struct xen_domctl_scheduler_op *args = &c->op.u.scheduler_op;
    struct sched_params *p = &c->d->sched.params;

    if (args->sched_id != domctl_sched_id())
        return refuse(-XEN_EINVAL, args->sched_id);
    switch (args->cmd) {
    case XEN_DOMCTL_SCHEDOP_putinfo:
        put_params(p, &args->u.credit);
        return 0;
    case XEN_DOMCTL_SCHEDOP_getinfo:
        args->u.credit.weight = (u16)p->weight;
        args->u.credit.cap = (u16)p->cap;
        c->answer = true;
        return 0;
    default:
        return refuse(-XEN_EINVAL, args->cmd);
    }
}
