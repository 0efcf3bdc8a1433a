/*
 * What may stand in a page table, and what each entry holds: see validate.h.
 *
 * Linear page tables. An entry may name a table of its own level, so that the guest sees its page tables in its address space (NetBSD
 * does). Read-only, and one step deep: a table that others name so must not name others so itself. Else a chain of links, and a loop, could
 * keep type references for ever, and releasing would need a stack as deep as the chain. A table that names itself holds nothing for it.
 */
#include "mm/validate.h"

#include "abi/errno.h"
#include "abi/xen.h"
#include "lib/trace.h"

#define LINEAR_MAX 0x7fff

/* The PV ABI's answers: -EPERM for what no RAM is, but -EINVAL for the frame number of all ones, which stands for "none". */
static s64 device_get(struct domain_memory *m, mfn_t mfn)
{
    if (m->privileged && device_allowed(mfn))
        return 0;
    return refuse(mfn.n == PTE_ADDR >> PAGE_SHIFT ? -XEN_EINVAL : -XEN_EPERM, mfn.n);
}

s64 l1_entry_get_device(struct domain_memory *m, struct domain_memory *pages, pte_t e)
{
    mfn_t mfn = pte_mfn(e);

    (void)pages;
    if (e & m->pte_refused)
        return refuse(-XEN_EINVAL, e);
    if (!mfn_valid(mfn) || mfn_to_frame(mfn)->owner == OWNER_NONE)
        return device_get(m, mfn);
    return l1_entry_refused(e);
}

/* RAM that may not be mapped, or not so: another's frame, or a writable mapping of a page table. */
s64 l1_entry_refused(pte_t e)
{
    return refuse(-XEN_EBUSY, e);
}

/* LAB 2.3a: Check the 512 entries of an L1 table; take and give back what they hold. */

static void l1_release_first(pte_t *entries, u32 count)
{
    while ((count = previous_present(entries, count)) > 0)
        l1_entry_put(entries[--count]);
}

s64 l1_validate(struct domain_memory *m, struct frame *table)
{
    pte_t *entries = frame_to_virt(table);

    for (u32 i = next_present(entries, 0); i < PTES_PER_TABLE; i = next_present(entries, i + 1)) {
        pte_t e = entries[i];
        s64 error = l1_entry_get(m, m, e);
        if (unlikely(error)) {
            l1_release_first(entries, i);
            return error;
        }
        if (l1_adjust(e) != e)
            entries[i] = l1_adjust(e);
    }
    return 0;
}

void l1_release(struct frame *table)
{
    l1_release_first(frame_to_virt(table), PTES_PER_TABLE);
}

/* END LAB 2.3a */

/* LAB 2.3b: Check the entries of L2 to L4 tables; take and give back what they hold. */

/* An entry of `table` that names `child`, a table of the same level. False: against the rules. */
static bool linear_get(struct frame *table, struct frame *child, pte_t e)
{
    if (e & PTE_RW)
        return false;
    if (child == table)
        return true;
    if (table->linear > 0 || child->linear < 0 || child->linear == LINEAR_MAX ||
        child->type_refs >= FRAME_COUNT_MAX || !frame_get(child))
        return false;
    __atomic_fetch_add(&child->type_refs, 1, __ATOMIC_RELAXED);
    table->linear--;
    child->linear++;
    return true;
}

struct frame *upper_entry_child(struct domain_memory *m, struct frame *table, enum frame_type level,
                                pte_t e, bool *linear, s64 *error)
{
    struct frame *child = frame_owned(pte_mfn(e), m->domid);

    *linear = child && child->type == level && child->type_refs;
    if ((e & PTE_UPPER_REFUSED) || !child || (*linear && !linear_get(table, child, e))) {
        *error = refuse(-XEN_EINVAL, e);
        return NULL;
    }
    return child;
}

s64 upper_entry_get(struct domain_memory *m, struct frame *table, enum frame_type level, pte_t e)
{
    bool linear;
    s64 error;
    struct frame *child = upper_entry_child(m, table, level, e, &linear, &error);

    if (!child || linear)
        return child ? 0 : error;
    if (!frame_get(child))
        return refuse(-XEN_EINVAL, e);
    error = type_begin(m, child, level - 1);
    if (error < 0)
        frame_put(child);
    return error;
}

s64 upper_entry_put(struct domain_memory *m, struct frame *table, enum frame_type level, pte_t e)
{
    struct frame *child = mfn_to_frame(pte_mfn(e));

    if (!(e & PTE_P) || child == table)
        return 0;
    if (child->type == level) {
        table->linear++;
        child->linear--;
    }
    if (type_end(m, child) == TYPE_WALK)
        return TYPE_WALK;
    frame_put(child);
    return 0;
}

/* END LAB 2.3b */
