/*
 * What may stand in a page table of a guest, and what each entry holds.
 *
 * An L1 entry that is present holds a reference of the frame it maps, and a writable type reference if it allows writing; device memory
 * holds nothing. An entry of L2..L4 holds a reference and a type reference of the table below. Which flags are accepted, and how an
 * entry is changed when it is stored, is the PV ABI's (Xen 4.17's answers are the measure, error numbers included). Formats: SDM vol. 3, 4.5.
 *
 * Locking: the memory lock of the table's owner, and of the pages' owner where it is another.
 */
#ifndef KOAN_MM_VALIDATE_H
#define KOAN_MM_VALIDATE_H

#include "mm/device.h"
#include "mm/frame.h"
#include "mm/memory.h"
#include "mm/type.h"
#include "x86/layout.h"

#define PTE_CACHE         (PTE_PAT | PTE_PCD | PTE_PWT) /* for those who may touch devices */
#define PTE_UPPER_REFUSED (PTE_PSE | PTE_PCD | PTE_PWT | PTE_G)

/* The guest's slots of a table; in an L4, sixteen are the hypervisor's. */
static inline bool slot_is_guests(enum frame_type level, u64 index)
{
    return level != FRAME_L4 || index < HYP_L4_FIRST || index > HYP_L4_LAST;
}

/*
 * The first present entry at `index` or after it, or PTES_PER_TABLE. Most tables are mostly empty, so eight are looked at together where that
 * can be: scanning is what validating and releasing a tree costs.
 */
static ALWAYS_INLINE u32 next_present(const pte_t *entries, u32 index)
{
    while (index < PTES_PER_TABLE && !(entries[index] & PTE_P)) {
        const pte_t *e = &entries[index];

        if (index % 8 == 0 && !((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & PTE_P))
            index += 8;
        else
            index++;
    }
    return index;
}

/* One more than the index of the last present entry below `end`, or 0. */
static ALWAYS_INLINE u32 previous_present(const pte_t *entries, u32 end)
{
    while (end > 0 && !(entries[end - 1] & PTE_P)) {
        const pte_t *e = &entries[end] - 8;

        if (end % 8 == 0 && !((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & PTE_P))
            end -= 8;
        else
            end--;
    }
    return end;
}

/*
 * How an entry stands in the table once it is accepted. The guest kernel's pages are marked and made accessible to ring 3, where the guest
 * kernel runs too; the tables above must then let ring 3 through. GLOBAL is dropped: a guest's entry must not outlive its address space.
 */
static inline pte_t l1_adjust(pte_t e)
{
    e &= ~PTE_G;
    return e & PTE_U ? e : e | PTE_U | PTE_GUEST_KERNEL;
}

static inline pte_t upper_adjust(enum frame_type level, pte_t e)
{
    return e | PTE_U | (level == FRAME_L4 ? PTE_A : 0);
}

/* What is no frame of `pages`: may the table's owner map it as device memory? */
s64 l1_entry_get_device(struct domain_memory *m, struct domain_memory *pages, pte_t e);
s64 l1_entry_refused(pte_t e);

/* Take what the present entry `e` in a table of `m` will hold; its frame must belong to `pages`. 0 or why not. */
static inline s64 l1_entry_get(struct domain_memory *m, struct domain_memory *pages, pte_t e)
{
    struct frame *f = frame_owned(pte_mfn(e), pages->domid);

    if (unlikely(!f || (e & m->pte_refused)))
        return l1_entry_get_device(m, pages, e);
    if (unlikely(!frame_get(f)))
        return l1_entry_refused(e);
    if (e & PTE_RW) {
        if (unlikely(!writable_get(pages, f))) {
            frame_put(f);
            return l1_entry_refused(e);
        }
        if (unlikely(pages != m))
            f->flags |= FRAME_FOREIGN;
    }
    return 0;
}

/* Give back what an entry held. The frame may be any domain's. */
static inline void l1_entry_put(pte_t e)
{
    mfn_t mfn = pte_mfn(e);

    if (!(e & PTE_P) || unlikely(!mfn_valid(mfn)) || mfn_to_frame(mfn)->owner == OWNER_NONE)
        return;
    if (e & PTE_RW)
        writable_put(mfn_to_frame(mfn));
    frame_put(mfn_to_frame(mfn));
}

/* All 512 entries: taken and adjusted, or none (the error of the first that is refused). And given back. */
s64 l1_validate(struct domain_memory *m, struct frame *table);
void l1_release(struct frame *table);

/*
 * The table that a present entry of an upper table names: checks flags, owner and linear use. NULL: refused, *error says why. *linear: it is a
 * linear entry, whose counts have been taken if it needs any, with nothing more to do.
 */
struct frame *upper_entry_child(struct domain_memory *m, struct frame *table, enum frame_type level,
                                pte_t e, bool *linear, s64 *error);

/* Take what the entry will hold: 0, an error, or TYPE_WALK: the child has to be walked before. */
s64 upper_entry_get(struct domain_memory *m, struct frame *table, enum frame_type level, pte_t e);

/* Give it back: 0, or TYPE_WALK: the child's entries have to be released (walk_release or a step down). */
s64 upper_entry_put(struct domain_memory *m, struct frame *table, enum frame_type level, pte_t e);

#endif
