/*
 * domctl: what a domain is shown of the CPU. All domains are shown the same (domain/cpuid.h), so the policy can be asked for, and set to nothing
 * else: a toolstack that hides a feature is told which leaf is refused, rather than being believed in vain. No MSR depends on a policy.
 */
#include "domain/cpuid.h"
#include "hypercall/domctl.h"
#include "lib/string.h"

#define LEAF_CACHES   4
#define LEAF_FEATURES 7
#define LEAVES_MAX    (CPUID_BASIC_LEAVES - 1 + CPUID_CACHES + CPUID_EXT_LEAVES)

struct listing {
    u64 to;          /* the caller's list */
    u32 room, count; /* leaves */
    s64 error;
};

static void put(struct listing *l, u32 leaf, u32 subleaf)
{
    const struct cpuid_leaf *c =
        cpuid_lookup(&cpuid_policy, leaf, subleaf == XEN_CPUID_NO_SUBLEAF ? 0 : subleaf);
    struct xen_cpuid_leaf out = { leaf, subleaf, c->eax, c->ebx, c->ecx, c->edx };

    if (l->error)
        return;
    if (l->count == l->room)
        l->error = refuse(-XEN_ENOBUFS, l->room);
    else if (!copy_to_guest(l->to + l->count * sizeof(out), &out, sizeof(out)))
        l->error = refuse(-XEN_EFAULT, l->to);
    l->count++;
}

static void put_all(struct listing *l)
{
    for (u32 i = 0; i < cpuid_policy.basic_leaves; i++) {
        if (i == LEAF_CACHES)
            for (u32 j = 0; j < CPUID_CACHES; j++)
                put(l, i, j);
        else
            put(l, i, i == LEAF_FEATURES ? 0 : XEN_CPUID_NO_SUBLEAF);
    }
    for (u32 i = 0; i < cpuid_policy.ext_leaves; i++)
        put(l, CPUID_EXT_LEAF(i), XEN_CPUID_NO_SUBLEAF);
}

s64 domctl_get_policy(struct domctl_call *c)
{
    struct xen_domctl_cpu_policy *p = &c->op.u.cpu_policy;
    struct listing l = { .to = p->leaves, .room = p->nr_leaves };

    if (p->leaves)
        put_all(&l);
    else
        l.count = LEAVES_MAX;
    if (l.error)
        return l.error;
    p->nr_leaves = l.count;
    p->nr_msrs = 0;
    c->answer = true;
    return 0;
}

static bool is_policy(const struct xen_cpuid_leaf *wanted)
{
    bool single = wanted->subleaf == XEN_CPUID_NO_SUBLEAF;
    const struct cpuid_leaf *c =
        cpuid_lookup(&cpuid_policy, wanted->leaf, single ? 0 : wanted->subleaf);

    return wanted->a == c->eax && wanted->b == c->ebx && wanted->c == c->ecx && wanted->d == c->edx;
}

s64 domctl_set_policy(struct domctl_call *c)
{
    struct xen_domctl_cpu_policy *p = &c->op.u.cpu_policy;
    struct xen_cpuid_leaf leaf;

    if (c->d == current_domain())
        return refuse(-XEN_EINVAL, c->d->id);
    c->answer = true;
    p->err_leaf = p->err_subleaf = p->err_msr = ~0U;
    if (p->nr_leaves > LEAVES_MAX)
        return refuse(-XEN_E2BIG, p->nr_leaves);
    if (p->nr_msrs)
        return refuse(-XEN_EINVAL, p->nr_msrs);
    for (u32 i = 0; i < p->nr_leaves; i++) {
        if (!copy_from_guest(&leaf, p->leaves + i * sizeof(leaf), sizeof(leaf)))
            return refuse(-XEN_EFAULT, p->leaves);
        if (is_policy(&leaf))
            continue;
        p->err_leaf = leaf.leaf;
        p->err_subleaf = leaf.subleaf;
        return refuse(-XEN_EINVAL, leaf.leaf);
    }
    return 0;
}
