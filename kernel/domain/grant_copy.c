/*
 * Copies between frames of which one or both are lent by grants. See grant.h.
 *
 * Each end is taken in turn: a use of the grant, a reference of the frame, and for the end that is written the writable type, which
 * no page table can have. With these in hand the copy itself needs no lock.
 */
#include "domain/grant.h"

#include "abi/errno.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "mm/type.h"

/* One end that has been taken. */
struct end {
    struct frame *frame;       /* NULL: not taken */
    struct grant_table *table; /* NULL: the caller's own frame, by its number */
    grant_ref_t ref;
    bool write;
};

static s16 hold(struct domain_memory *from, mfn_t mfn, struct end *e)
{
    struct frame *f = frame_owned(mfn, from->domid);

    if (unlikely(!f))
        return (s16)refuse(GNTST_bad_page, mfn.n);
    if (unlikely(!frame_get(f)))
        return (s16)refuse(GNTST_general_error, mfn.n);
    if (e->write && unlikely(!writable_get(from, f))) {
        frame_put(f);
        return (s16)refuse(GNTST_general_error, mfn.n);
    }
    e->frame = f;
    return GNTST_okay;
}

/* Under the granter's lock. */
static s16 take_granted(struct domain_memory *own, struct domain_memory *from, struct end *e)
{
    mfn_t mfn;

    if (unlikely(from->dying))
        return (s16)refuse(GNTST_bad_domain, from->domid);
    if (unlikely(!from->grants))
        return (s16)refuse(GNTST_bad_gntref, e->ref);
    s16 status = grant_use(from->grants, e->ref, own->domid, e->write, &mfn);
    if (unlikely(status))
        return status;
    status = hold(from, mfn, e);
    if (unlikely(status))
        grant_unuse(from->grants, e->ref, e->write);
    else
        e->table = from->grants;
    return status;
}

/* 0 and *status; or -XEN_ERESTART. */
static s64 take(struct grant_caller *c, const struct gnttab_copy_ptr *p, bool granted,
                struct end *e, s16 *status)
{
    struct domain_memory *from = c->own;

    if (!granted && p->domid != DOMID_SELF) {
        *status = (s16)refuse(GNTST_permission_denied, p->domid);
        return 0;
    }
    if (p->domid != DOMID_SELF)
        from = grant_peer(c, p->domid);
    if (unlikely(!from)) {
        *status = (s16)refuse(GNTST_bad_domain, p->domid);
        return 0;
    }
    if (unlikely(!memory_enter(from)))
        return -XEN_ERESTART;
    if (granted) {
        e->ref = p->u.ref;
        *status = take_granted(c->own, from, e);
    } else {
        *status = hold(from, MFN(p->u.gmfn), e);
    }
    memory_leave(from);
    return 0;
}

/* References may go down without the owner's lock, and a use has its own. */
static void give_back(const struct end *e)
{
    if (!e->frame)
        return;
    if (e->write)
        writable_put(e->frame);
    frame_put(e->frame);
    if (e->table)
        grant_unuse(e->table, e->ref, e->write);
}

static void copy_bytes(const struct gnttab_copy *op, const struct end *to, const struct end *from)
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

s64 grant_copy(struct grant_caller *c, struct gnttab_copy *op)
{
    struct end from = { 0 }, to = { .write = true };
    s64 error = 0;

    op->status = GNTST_okay;
    if (!in_page(op->source.offset, op->len) || !in_page(op->dest.offset, op->len))
        op->status = (s16)refuse(GNTST_bad_copy_arg, op->len);
    if (!op->status)
        error = take(c, &op->source, op->flags & GNTCOPY_source_gref, &from, &op->status);
    if (!error && !op->status)
        error = take(c, &op->dest, op->flags & GNTCOPY_dest_gref, &to, &op->status);
    if (likely(!error && !op->status))
        copy_bytes(op, &to, &from);
    give_back(&to);
    give_back(&from);
    return error;
}
