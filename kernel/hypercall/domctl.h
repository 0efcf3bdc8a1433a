/*
 * What the files of domctl and sysctl share.
 *
 * A command gets the caller's structure as it was copied in, and a domain that stays meanwhile (domain/control.h). It returns 0 or
 * -XEN_E*, and says whether the structure goes back to the caller.
 */
#ifndef KOAN_HYPERCALL_DOMCTL_H
#define KOAN_HYPERCALL_DOMCTL_H

#include "abi/domctl.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "x86/tlb.h"

struct domctl_call {
    struct xen_domctl op;
    struct domain *d;
    bool answer; /* op goes back to the caller */
};

typedef s64 domctl_fn(struct domctl_call *c);

/* domctl_vcpu.c */
domctl_fn domctl_max_vcpus, domctl_set_context, domctl_get_context, domctl_vcpu_info;
domctl_fn domctl_set_affinity, domctl_get_affinity, domctl_scheduler;

/* domctl_memory.c */
domctl_fn domctl_max_mem, domctl_page_info, domctl_hypercall_page;
domctl_fn domctl_set_nodes, domctl_get_nodes;

/* domctl_policy.c */
domctl_fn domctl_get_policy, domctl_set_policy;

/* domctl.c: what getdomaininfo and sysctl's list of domains say. */
void domain_describe(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* Bitmaps in the caller's memory. What the caller's has no room for is left out; what is missing in it is 0. 0 or -XEN_EFAULT. */
s64 bitmap_from_guest(const struct xenctl_bitmap *from, u64 *bits, u32 words);
s64 bitmap_to_guest(const struct xenctl_bitmap *to, const u64 *bits, u32 words);

/* XEN_SCHEDULER_* of the policy that runs. */
u32 domctl_sched_id(void);

#endif
