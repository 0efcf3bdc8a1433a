/*
 * CPUID as guests see it: the CPU's own answers without what a paravirtual guest can't use, and the
 * hypervisor's leaves.
 *
 * cpuid_init() computes all answers once; cpuid_lookup() only looks them up, as a guest that boots
 * asks hundreds of times.
 */
#ifndef KOAN_DOMAIN_CPUID_H
#define KOAN_DOMAIN_CPUID_H

#include "abi/arch-x86_64.h"
#include "lib/types.h"

struct cpuid_leaf {
    u32 eax, ebx, ecx, edx;
};

#define CPUID_EXT_LEAF(i) (0x80000000U + (i))

/* Leaves shown at most; all above these read as zero. */
#define CPUID_BASIC_LEAVES 8
#define CPUID_EXT_LEAVES   9
#define CPUID_HYP_LEAVES   (XEN_CPUID_MAX_NUM_LEAVES + 1)
#define CPUID_CACHES       8 /* subleaves of leaf 4 */

struct cpuid_policy {
    u32 basic_leaves; /* how many of basic[] are shown: what the CPU has, but not more */
    u32 ext_leaves;   /* the same for ext[] */
    struct cpuid_leaf basic[CPUID_BASIC_LEAVES];
    struct cpuid_leaf ext[CPUID_EXT_LEAVES];
    struct cpuid_leaf hyp[CPUID_HYP_LEAVES];
    struct cpuid_leaf caches[CPUID_CACHES];
    struct cpuid_leaf nothing;
};

/* Who answers for the CPU: the instruction in the hypervisor, a table in a test. */
typedef struct cpuid_leaf cpuid_read_fn(u32 leaf, u32 subleaf);

/* Pure: what guests see on a CPU that answers `read`. */
void cpuid_make_policy(struct cpuid_policy *policy, cpuid_read_fn *read);

extern struct cpuid_policy cpuid_policy; /* r: of the boot CPU; all CPUs are taken to be alike */

/* Compute it. Before the first guest runs. */
void cpuid_init(void);

/* The answer to CPUID with these eax and ecx. */
static inline const struct cpuid_leaf *cpuid_lookup(const struct cpuid_policy *policy, u32 leaf,
                                                    u32 subleaf)
{
    if (leaf < policy->basic_leaves) {
        if (unlikely(leaf == 4))
            return subleaf < CPUID_CACHES ? &policy->caches[subleaf] : &policy->nothing;
        if (unlikely(leaf == 7 && subleaf))
            return &policy->nothing;
        return &policy->basic[leaf];
    }
    if (leaf - CPUID_EXT_LEAF(0) < policy->ext_leaves)
        return &policy->ext[leaf - CPUID_EXT_LEAF(0)];
    if (leaf - XEN_CPUID_FIRST_LEAF < CPUID_HYP_LEAVES)
        return &policy->hyp[leaf - XEN_CPUID_FIRST_LEAF];
    return &policy->nothing;
}

#endif
