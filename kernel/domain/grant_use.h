/*
 * Uses of a grant: begin one, end one. For the files of grants only; in line, because every mapping and every copy goes through both. What
 * a use is, and what it is not: grant.h.
 */
#ifndef KOAN_DOMAIN_GRANT_USE_H
#define KOAN_DOMAIN_GRANT_USE_H

#include "domain/grant.h"
#include "lib/panic.h"
#include "lib/trace.h"

/* How often a guest may change an entry under our hands before we say so: as often as Xen. */
#define ENTRY_ATTEMPTS 5

/* The last user of a dead table is gone. */
void grant_table_free(struct grant_table *t);

static inline struct grant_entry_v1 *grant_entry(const struct grant_table *t, grant_ref_t ref)
{
    return &t->shared[ref / GRANT_REFS_PER_FRAME][ref % GRANT_REFS_PER_FRAME];
}

static inline struct grant_active *grant_active(const struct grant_table *t, grant_ref_t ref)
{
    return &t->active[ref / GRANT_ACTIVE_PER_PAGE][ref % GRANT_ACTIVE_PER_PAGE];
}

/*
 * An entry as one word, read and compared at once: what the granter writes meanwhile makes the comparison fail. From the lowest bit: flags,
 * domid, frame.
 */
#define ENTRY_DOMID_SHIFT 16
#define ENTRY_FRAME_SHIFT 32
static_assert(offsetof(struct grant_entry_v1, domid) * 8 == ENTRY_DOMID_SHIFT &&
                  offsetof(struct grant_entry_v1, frame) * 8 == ENTRY_FRAME_SHIFT,
              "the layout of the word");

/* Set the bits of use in the entry, if it allows the use, at one moment. */
static ALWAYS_INLINE s16 grant_mark_entry(struct grant_entry_v1 *entry, u16 to, bool write,
                                          u32 *mfn)
{
    u64 *word = (u64 *)entry, seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    u64 asked = 0xffffUL << ENTRY_DOMID_SHIFT | GTF_type_mask | (write ? GTF_readonly : 0);
    u64 wanted = (u64)to << ENTRY_DOMID_SHIFT | GTF_permit_access;
    u64 bits = write ? GTF_reading | GTF_writing : GTF_reading;

    for (u32 i = 0; i < ENTRY_ATTEMPTS && likely((seen & asked) == wanted); i++) {
        if (likely(__atomic_compare_exchange_n(word, &seen, seen | bits, false, __ATOMIC_ACQ_REL,
                                               __ATOMIC_ACQUIRE))) {
            *mfn = (u32)(seen >> ENTRY_FRAME_SHIFT);
            return GNTST_okay;
        }
    }
    return (s16)refuse(GNTST_general_error, seen);
}

static ALWAYS_INLINE s16 grant_use_locked(struct grant_table *t, grant_ref_t ref, u16 to,
                                          bool write)
{
    struct grant_active *a = grant_active(t, ref);
    u64 uses = a->uses;

    if (unlikely(uses && (a->domid != to || (uses & GRANT_USES_FULL))))
        return (s16)refuse(GNTST_general_error, ref);
    /* What is in use already needs no new permission: the granter can't take it back. */
    if (!uses || (write && !(uses / GRANT_WRITE_USE))) {
        u32 mfn;
        s16 status = grant_mark_entry(grant_entry(t, ref), to, write, &mfn);

        if (unlikely(status))
            return status;
        if (likely(!uses)) {
            a->mfn = mfn;
            a->domid = to;
        }
    }
    a->uses = uses + (write ? GRANT_WRITE_USE : 1);
    t->users++;
    return GNTST_okay;
}

/*
 * Begin a use of the grant for domain `to`; *mfn is the frame, which need not be the granter's. 0 or GNTST_*. Under the granter's memory
 * lock, which says that it lives.
 */
static ALWAYS_INLINE s16 grant_use(struct grant_table *t, grant_ref_t ref, u16 to, bool write,
                                   mfn_t *mfn)
{
    s16 status = GNTST_bad_gntref;

    spin_lock(&t->lock);
    assert(!t->dead);
    if (likely(ref < t->frames * GRANT_REFS_PER_FRAME)) {
        status = grant_use_locked(t, ref, to, write);
        *mfn = MFN(grant_active(t, ref)->mfn);
    }
    spin_unlock(&t->lock);
    return status;
}

static ALWAYS_INLINE void grant_unuse_locked(struct grant_table *t, grant_ref_t ref, bool write)
{
    struct grant_active *a = grant_active(t, ref);
    u16 ended = 0;

    assert(write ? a->uses / GRANT_WRITE_USE : (u32)a->uses);
    a->uses -= write ? GRANT_WRITE_USE : 1;
    if (write && !(a->uses / GRANT_WRITE_USE))
        ended = GTF_writing;
    if (!a->uses)
        ended |= GTF_reading;
    if (ended)
        __atomic_fetch_and(&grant_entry(t, ref)->flags, (u16)~ended, __ATOMIC_RELEASE);
}

/* End it. Needs no lock of the granter's, which may have ended. */
static ALWAYS_INLINE void grant_unuse(struct grant_table *t, grant_ref_t ref, bool write)
{
    spin_lock(&t->lock);
    if (likely(!t->dead))
        grant_unuse_locked(t, ref, write);
    bool others = --t->users != 0;
    spin_unlock(&t->lock);
    if (unlikely(!others))
        grant_table_free(t);
}

#endif
