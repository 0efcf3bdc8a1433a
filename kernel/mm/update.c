/*
 * One update of one page-table entry: see update.h.
 */
#include "mm/update.h"

#include "abi/errno.h"
#include "lib/trace.h"
#include "mm/walk.h"

/* Take what the new entry of an upper table will hold; unlike validation, the tree below may make us wait. */
static s64 upper_get(struct domain_memory *m, struct frame *table, pte_t e,
                     struct walk_result *result)
{
    bool linear;
    s64 error;
    struct frame *child = upper_entry_child(m, table, table->type, e, &linear, &error);

    if (!child || linear)
        return child ? 0 : error;
    return type_get(m, frame_to_mfn(child), table->type - 1, result);
}

static s64 update_upper(struct domain_memory *m, struct frame *table, u64 index, pte_t e,
                        bool preserve_ad, struct walk_result *result)
{
    pte_t *slot = (pte_t *)frame_to_virt(table) + index;
    pte_t old = *slot;

    if (!slot_is_guests(table->type, index))
        return refuse(-XEN_EINVAL, index);
    bool alike = (e & PTE_P) && ((old ^ e) & (PTE_HOLDS | PTE_UPPER_REFUSED)) == 0;
    if ((e & PTE_P) && !alike) {
        s64 error = upper_get(m, table, e, result);

        if (error)
            return error;
    }
    entry_store(slot, e & PTE_P ? upper_adjust(table->type, e) : e, preserve_ad);
    /* Entries that are not present are not cached, so only a change of one that was needs a flush. */
    if (old & PTE_P)
        m->flush_owed = true;
    if (!alike && upper_entry_put(m, table, table->type, old) == TYPE_WALK)
        walk_release(m, mfn_to_frame(pte_mfn(old)));
    return 0;
}

/* A frame that is no table: the guest could have written the word itself, had it mapped the frame. */
static s64 update_word(struct domain_memory *m, struct frame *f, u64 *word, u64 value)
{
    if (!writable_get(m, f))
        return refuse(-XEN_EINVAL, frame_to_mfn(f).n);
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
    writable_put(f);
    return 0;
}

s64 update_entry(struct domain_memory *m, struct domain_memory *pages, u64 at, pte_t e,
                 bool preserve_ad, struct walk_result *result)
{
    mfn_t mfn = MFN(at >> PAGE_SHIFT);
    struct frame *f = frame_owned(mfn, m->domid);

    if (unlikely(!f))
        return refuse(-XEN_EINVAL, at);
    u64 index = at % PAGE_SIZE / sizeof(pte_t);
    pte_t *slot = (pte_t *)mfn_to_virt(mfn) + index;
    if (!frame_is_table(f) || !f->type_refs)
        return update_word(m, f, slot, e);
    if (likely(f->type == FRAME_L1))
        return update_l1(m, pages, slot, e, preserve_ad);
    if (pages != m)
        return refuse(-XEN_EINVAL, at);
    return update_upper(m, f, index, e, preserve_ad, result);
}
