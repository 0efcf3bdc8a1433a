/*
 * Following a guest's own page tables in software, through the direct map.
 *
 * Under the domain's memory lock only: then all tables below a base pointer are validated and stay
 * so, and every frame that an entry names is RAM. The hardware may set A and D meanwhile.
 *
 * An address that leads through a linear entry works out as in the hardware. It may even lead on
 * into the hypervisor's own tables, as an L4 names those, too: every entry of a guest has U set,
 * and none is a superpage, so the walk ends where the hypervisor's begin.
 */
#ifndef KOAN_DOMAIN_GUEST_WALK_H
#define KOAN_DOMAIN_GUEST_WALK_H

#include "mm/addr.h"

/*
 * The L1 entry that maps va in the tree below the L4 at machine address cr3, or 0 if there is none.
 * The caller has checked that va may be the guest's.
 */
static inline pte_t guest_walk(u64 cr3, u64 va)
{
    const pte_t *table = mfn_to_virt(MFN(cr3 >> PAGE_SHIFT));

    for (unsigned int level = 4; level > 1; level--) {
        pte_t e = __atomic_load_n(&table[pt_index(va, level)], __ATOMIC_RELAXED);

        if ((e & (PTE_P | PTE_U | PTE_PSE)) != (PTE_P | PTE_U))
            return 0;
        table = mfn_to_virt(pte_mfn(e));
    }
    return __atomic_load_n(&table[pt_index(va, 1)], __ATOMIC_RELAXED);
}

#endif
