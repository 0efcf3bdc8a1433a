/*
 * One update of one page-table entry that a guest asks for: check, then commit.
 *
 * The order is always the same: take what the new entry will hold (this can be refused, and then nothing has changed), store the entry, give back
 * what the old one held. While an entry is stored, only the CPU's own page walker may write to it as well, to set accessed and dirty
 * bits: all else happens under the lock of the table's owner.
 *
 * Locking: the memory locks of the owner of the table (m) and of the pages, taken by memory_enter or
 * memory_enter_pair.
 */
#ifndef KOAN_MM_UPDATE_H
#define KOAN_MM_UPDATE_H

#include "abi/errno.h"
#include "mm/validate.h"

/* Bits of an L1 or upper entry that decide what it holds. Two present entries alike in them hold the same. */
#define PTE_HOLDS (PTE_ADDR | PTE_P | PTE_RW | PTE_CACHE)

static ALWAYS_INLINE void entry_store(pte_t *slot, pte_t e, bool preserve_ad)
{
    pte_t seen = *slot;

    if (likely(!preserve_ad)) {
        __atomic_store_n(slot, e, __ATOMIC_RELAXED);
        return;
    }
    while (!__atomic_compare_exchange_n(slot, &seen, e | (seen & (PTE_A | PTE_D)), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        ;
}

/* An entry of an L1 table of m that is to map a page of `pages`. */
static ALWAYS_INLINE s64 update_l1(struct domain_memory *m, struct domain_memory *pages,
                                   pte_t *slot, pte_t e, bool preserve_ad)
{
    pte_t old = *slot;

    if (e & PTE_P) {
        bool alike = ((old ^ e) & PTE_HOLDS) == 0;
        s64 error = alike ? 0 : l1_entry_get(m, pages, e);

        if (unlikely(error))
            return error;
        e = l1_adjust(e);
        if (alike) {
            entry_store(slot, e, preserve_ad);
            return 0;
        }
    }
    entry_store(slot, e, preserve_ad);
    l1_entry_put(old);
    return 0;
}

/*
 * The same for the emulation of a guest's store: only if the entry is still *seen. 0: done. -XEN_EAGAIN: it has changed, *seen is what it
 * is now. Else refused.
 */
static ALWAYS_INLINE s64 update_l1_if(struct domain_memory *m, pte_t *slot, pte_t *seen, pte_t e)
{
    pte_t old = *seen;
    bool alike = (e & PTE_P) && ((old ^ e) & PTE_HOLDS) == 0;

    if (e & PTE_P) {
        s64 error = alike ? 0 : l1_entry_get(m, m, e);

        if (unlikely(error))
            return error;
        e = l1_adjust(e);
    }
    bool done =
        __atomic_compare_exchange_n(slot, seen, e, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    if (!alike)
        l1_entry_put(likely(done) ? old : e);
    return likely(done) ? 0 : -XEN_EAGAIN;
}

/*
 * The entry at machine address `at`, of a table of any level, or a word of an ordinary frame: what mmu_update does. `result`: for the tree
 * that the entry may name. 0, -XEN_ERESTART, or refused.
 */
s64 update_entry(struct domain_memory *m, struct domain_memory *pages, u64 at, pte_t e,
                 bool preserve_ad, struct walk_result *result);

/* The entry of the L1 table that maps va in the tree below cr3, or NULL. The tree must be a validated one of m. */
static ALWAYS_INLINE pte_t *update_find_l1(const struct domain_memory *m, u64 cr3, u64 va)
{
    pte_t e = cr3;

    if (unlikely(!guest_range_ok(va, 0)))
        return NULL;
#pragma GCC unroll 3
    for (unsigned int level = 4; level >= 2; level--) {
        e = ((const pte_t *)mfn_to_virt(pte_mfn(e)))[pt_index(va, level)];
        if (unlikely(!(e & PTE_P)))
            return NULL;
    }
    /* Through linear entries the walk may have got anywhere: into an L2, or into the hypervisor's tables, with their superpages. */
    const struct frame *f = frame_owned(pte_mfn(e), m->domid);
    if (unlikely((e & PTE_PSE) || !f || f->type != FRAME_L1))
        return NULL;
    return (pte_t *)mfn_to_virt(pte_mfn(e)) + pt_index(va, 1);
}

#endif
