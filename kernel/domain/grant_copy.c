/*
 * Copies between frames of which one or both are lent by grants. See grant.h.
 *
 * Each end is taken in turn: a use of the grant, a reference of the frame, and for the end that is written the writable type, which
 * no page table can have. With these in hand the copy itself needs no lock.
 */
#include "domain/grant_use.h"

#include "abi/errno.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "mm/type.h"

/* LAB 4.4c: Copy between two frames, each the caller's own or lent to it. */

/* One end that has been taken. Whether it is written is known where the code is compiled, and so is no field. */
struct end {
    struct frame *frame;
    struct grant_table *table; /* NULL: the caller's own frame, by its number */
    grant_ref_t ref;
};

static ALWAYS_INLINE s16 hold(struct domain_memory *from, mfn_t mfn, struct end *e, bool write)
{
    struct frame *f = frame_owned(mfn, from->domid);

    if (unlikely(!f))
        return (s16)refuse(GNTST_bad_page, mfn.n);
    if (unlikely(!frame_get(f)))
        return (s16)refuse(GNTST_general_error, mfn.n);
    if (write && unlikely(!writable_get(from, f))) {
        frame_put(f);
        return (s16)refuse(GNTST_general_error, mfn.n);
    }
    e->frame = f;
    return GNTST_okay;
}

/* Under the granter's lock. */
static ALWAYS_INLINE s16 take_granted(struct domain_memory *own, struct domain_memory *from,
                                      struct end *e, bool write)
{
    struct grant_table *t = from->grants;
    mfn_t mfn;

    if (unlikely(from->dying))
        return (s16)refuse(GNTST_bad_domain, from->domid);
    if (unlikely(!t))
        return (s16)refuse(GNTST_bad_gntref, e->ref);
    s16 status = grant_use(t, e->ref, own->domid, write, &mfn);
    if (unlikely(status))
        return status;
    status = hold(from, mfn, e, write);
    if (unlikely(status))
        grant_unuse(t, e->ref, write);
    e->table = t;
    return status;
}

/* 0, GNTST_*, or -XEN_ERESTART, which is none of them. */
static ALWAYS_INLINE s64 take(struct grant_caller *c, const struct gnttab_copy_ptr *p, bool granted,
                              struct end *e, bool write)
{
    struct domain_memory *from = c->own;
    s16 status;

    if (likely(granted)) {
        if (p->domid != DOMID_SELF)
            from = grant_peer(c, p->domid);
        if (unlikely(!from))
            return refuse(GNTST_bad_domain, p->domid);
    } else if (unlikely(p->domid != DOMID_SELF)) {
        return refuse(GNTST_permission_denied, p->domid);
    }
    if (unlikely(!memory_enter(from)))
        return -XEN_ERESTART;
    if (granted) {
        e->ref = p->u.ref;
        status = take_granted(c->own, from, e, write);
    } else {
        status = hold(from, MFN(p->u.gmfn), e, write);
    }
    memory_leave(from);
    return status;
}
static_assert(-XEN_ERESTART < GNTST_no_space, "no status");

/* References may go down without the owner's lock, and a use has its own. */
static ALWAYS_INLINE void give_back(const struct end *e, bool write)
{
    if (write)
        writable_put(e->frame);
    frame_put(e->frame);
    if (e->table)
        grant_unuse(e->table, e->ref, write);
}

static ALWAYS_INLINE void copy_bytes(const struct gnttab_copy *op, const struct end *to,
                                     const struct end *from)
{
    u8 *d = (u8 *)frame_to_virt(to->frame) + op->dest.offset;
    const u8 *s = (const u8 *)frame_to_virt(from->frame) + op->source.offset;

    if (unlikely(to->frame == from->frame))
        memmove(d, s, op->len);
    else
        memcpy(d, s, op->len);
}

static bool in_page(u64 offset, u64 length)
{
    return offset + length <= PAGE_SIZE;
}

/* 0, GNTST_*, or -XEN_ERESTART. */
static ALWAYS_INLINE s64 copy(struct grant_caller *c, const struct gnttab_copy *op)
{
    struct end from = { 0 }, to = { 0 };

    if (!in_page(op->source.offset, op->len) || !in_page(op->dest.offset, op->len))
        return refuse(GNTST_bad_copy_arg, op->len);
    s64 status = take(c, &op->source, op->flags & GNTCOPY_source_gref, &from, false);
    if (unlikely(status))
        return status;
    status = take(c, &op->dest, op->flags & GNTCOPY_dest_gref, &to, true);
    if (likely(!status)) {
        copy_bytes(op, &to, &from);
        give_back(&to, true);
    }
    give_back(&from, false);
    return status;
}

s64 grant_copy(struct grant_caller *c, struct gnttab_copy *op)
{
    s64 status = copy(c, op);

    if (unlikely(status == -XEN_ERESTART))
        return status;
    op->status = (s16)status;
    return 0;
}

/* END LAB 4.4c */
