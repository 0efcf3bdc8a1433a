/*
 * Types of frames: taking and giving back type references (the rules are in mm/frame.h).
 *
 * A type reference of a table is only to be had when every entry of the tree below it is valid, so taking the first one validates, and giving
 * back the last one releases what the entries held. L1 tables and descriptor pages are done at once; L2..L4 by a walk that can stop
 * (mm/walk.h).
 *
 * Before a frame changes its type, no CPU may still have a TLB entry that grants the old use: a page that becomes a table could else be
 * written past all checks. The stamp of the frame says whether a flush is needed.
 *
 * Locking: the owner's memory lock, with no walk under way.
 */
#ifndef KOAN_MM_TYPE_H
#define KOAN_MM_TYPE_H

#include "mm/frame.h"
#include "mm/memory.h"

/* type_begin: the frame has the type now, but its entries must be walked. */
#define TYPE_WALK 1

/*
 * Take a reference and a type reference of a frame of this domain. 0, -XEN_ERESTART (a walk did not finish: the hypercall is to be
 * restarted and will ask again), or why not. `result` is where the caller's walk leaves its outcome; NULL: don't stop.
 */
s64 type_get(struct domain_memory *m, mfn_t mfn, enum frame_type type, struct walk_result *result);

/* Give both back. A walk may be under way afterwards. */
void type_put(struct domain_memory *m, mfn_t mfn);

/* Only the type reference, for a frame to which the caller has a reference: 0, TYPE_WALK or an error. */
s64 type_begin(struct domain_memory *m, struct frame *f, enum frame_type type);

/* Drop a type reference. TYPE_WALK: it was the last one of an L2..L4, whose entries are to be released. */
s64 type_end(struct domain_memory *m, struct frame *f);

/* The writable type alone, the commonest case. The slow half decides whether the type may change. */
bool writable_get_slow(struct domain_memory *owner, struct frame *f);
void writable_last_put(struct frame *f);

static inline bool writable_get(struct domain_memory *owner, struct frame *f)
{
    if (likely(f->type == FRAME_WRITABLE && f->type_refs < FRAME_COUNT_MAX)) {
        __atomic_fetch_add(&f->type_refs, 1, __ATOMIC_RELAXED);
        return true;
    }
    return writable_get_slow(owner, f);
}

/* Also for another domain's frame, without its lock. */
static inline void writable_put(struct frame *f)
{
    if (f->type_refs == 1)
        writable_last_put(
            f); /* stamps it; should the count race, FRAME_FOREIGN makes up for the stamp */
    __atomic_sub_fetch(&f->type_refs, 1, __ATOMIC_RELEASE);
}

#endif
