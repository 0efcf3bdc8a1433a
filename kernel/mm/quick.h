/*
 * The shortest ways of what kernels do all day: a page is mapped where none was, a process's tables are loaded.
 *
 * Each decides the usual case alone, with nothing but tests before its first change, so that its caller needs no registers saved and no
 * call. False or NULL means: it is another case, and nothing has been done; the caller goes the whole way then, which says why. What is
 * done here must be what is done there (mm/update.h, mm/type.c).
 *
 * Locking: quick_enter takes the lock of the domain's memory; all others want it held.
 */
#ifndef KOAN_MM_QUICK_H
#define KOAN_MM_QUICK_H

#include "mm/memory.h"
#include "mm/validate.h"

/* The lock of one's own memory, if it is free and nothing is to be finished first. */
static ALWAYS_INLINE bool quick_enter(struct domain_memory *m)
{
    if (unlikely(!spin_try(&m->lock, LOCK_DOMAIN)))
        return false;
    if (likely(!m->dying && !walk_active(m)))
        return true;
    spin_unlock_from(&m->lock, LOCK_DOMAIN);
    return false;
}

/* Nothing that is done here owes a flush. */
static ALWAYS_INLINE void quick_leave(struct domain_memory *m)
{
    spin_unlock_from(&m->lock, LOCK_DOMAIN);
}

/*
 * The empty entry at machine address `at`, of an L1 table, is to map one of the domain's own pages. Its type references stand on references,
 * so whether one more of these may be had decides for both.
 */
static ALWAYS_INLINE bool quick_map(struct domain_memory *m, u64 at, pte_t e)
{
    const struct frame *table = frame_owned(MFN(at >> PAGE_SHIFT), m->domid);

    if (unlikely(!table || table->type != FRAME_L1 || !table->type_refs || at % sizeof(pte_t)))
        return false;
    pte_t *slot = (pte_t *)((u8 *)mfn_to_virt(MFN(0)) + at);
    struct frame *f = frame_owned(pte_mfn(e), m->domid);
    if (unlikely(!(e & PTE_P) || (*slot & PTE_P) || !f || (e & m->pte_refused) ||
                 f->refs >= FRAME_COUNT_MAX))
        return false;
    if (e & PTE_RW) {
        if (unlikely(f->type != FRAME_WRITABLE))
            return false;
        __atomic_fetch_add(&f->type_refs, 1, __ATOMIC_RELAXED);
    }
    __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
    __atomic_store_n(slot, l1_adjust(e), __ATOMIC_RELAXED);
    return true;
}

/* The frame of an L4 that is one already, and may be used once more (twice, to be exact). */
static ALWAYS_INLINE struct frame *quick_l4(const struct domain_memory *m, mfn_t mfn)
{
    struct frame *f = frame_owned(mfn, m->domid);

    return f && f->type == FRAME_L4 && f->type_refs && f->refs < FRAME_COUNT_MAX - 1 ? f : NULL;
}

/* The frame of the L4 at this machine address, in use as such, if that is not its last use: a pin has another, mostly. */
static ALWAYS_INLINE struct frame *quick_old_l4(u64 cr3)
{
    struct frame *f = mfn_to_frame(MFN(cr3 >> PAGE_SHIFT));

    return cr3 && f->type_refs > 1 ? f : NULL;
}

static ALWAYS_INLINE void quick_l4_get(struct frame *f)
{
    __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&f->type_refs, 1, __ATOMIC_RELAXED);
}

static ALWAYS_INLINE void quick_l4_put(struct frame *f)
{
    __atomic_fetch_sub(&f->type_refs, 1, __ATOMIC_RELEASE);
    __atomic_fetch_sub(&f->refs, 1, __ATOMIC_RELEASE);
}

#endif
