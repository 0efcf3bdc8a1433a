/*
 * Types of frames: see type.h.
 */
#include "mm/type.h"

#include "abi/errno.h"
#include "lib/panic.h"
#include "lib/trace.h"
#include "mm/alloc.h"
#include "mm/segdesc.h"
#include "mm/validate.h"
#include "mm/walk.h"

/* LAB 2.5a: Writable or table, never both: the type changes when no old use is left. */

/*
 * Set the type of a frame without type references. The old use has ended, but TLB entries that grant it may be left: on the CPUs of its
 * domain, as long as they have not flushed since the stamp; on any CPU, where another domain had it mapped writable.
 */
static void type_change(struct domain_memory *m, struct frame *f, enum frame_type type)
{
    if (f->type == type)
        return;
    if (f->flags & FRAME_FOREIGN) {
        struct cpumask all = cpumask_all();

        tlb_flush_mask(&all, TLB_ALL);
        f->flags &= (u8)~FRAME_FOREIGN;
    } else if (f->type != FRAME_NONE) {
        tlb_flush_stale(&m->cpus, f->stamp);
    }
    if (f->type != FRAME_NONE ||
        type != FRAME_WRITABLE) /* every page of a new domain would be one */
        trace_event(TRACE_TYPE, frame_to_mfn(f).n, type);
    f->type = (u8)type;
}

/* The first type reference of all: everything that the type promises is checked here. */
static s64 type_establish(struct domain_memory *m, struct frame *f, enum frame_type type)
{
    s64 error = 0;

    if ((f->flags & FRAME_SHARED) && type != FRAME_WRITABLE)
        return refuse(-XEN_EINVAL, frame_to_mfn(f).n);
    type_change(m, f, type);
    /* Counted before its entries are looked at: one of them may name the frame itself, and must find the type taken. */
    f->type_refs = 1;
    if (type >= FRAME_L2 && type <= FRAME_L4)
        return TYPE_WALK;
    if (type == FRAME_L1)
        error = l1_validate(m, f);
    else if (type == FRAME_SEG && !segdesc_check_page(frame_to_virt(f)))
        error = refuse(-XEN_EINVAL, frame_to_mfn(f).n);
    if (error)
        f->type_refs = 0;
    return error;
}

/* END LAB 2.5a */

/* LAB 2.2: Count the uses of a type: the first one validates, the last one releases. */

s64 type_begin(struct domain_memory *m, struct frame *f, enum frame_type type)
{
    if (f->type_refs == 0)
        return type_establish(m, f, type);
    if (f->type != type || f->type_refs >= FRAME_COUNT_MAX)
        return refuse(-XEN_EINVAL, frame_to_mfn(f).n);
    __atomic_fetch_add(&f->type_refs, 1, __ATOMIC_RELAXED);
    return 0;
}

s64 type_end(struct domain_memory *m, struct frame *f)
{
    assert(f->type_refs > 0);
    if (f->type_refs == 1)
        f->stamp = tlb_clock();
    if (__atomic_sub_fetch(&f->type_refs, 1, __ATOMIC_RELEASE))
        return 0;
    if (f->type == FRAME_L1)
        l1_release(f);
    (void)m;
    return f->type >= FRAME_L2 && f->type <= FRAME_L4 ? TYPE_WALK : 0;
}

s64 type_get(struct domain_memory *m, mfn_t mfn, enum frame_type type, struct walk_result *result)
{
    struct frame *f;
    s64 error;

    f = frame_owned(mfn, m->domid);
    if (result && unlikely(result->state != WALK_NONE)) {
        if (f && walk_claim(result, mfn, type, &error))
            return error;
        /* The asker has changed its mind. What it held may have been all that kept the very table that it is changing now, so whatever it
         * has looked at so far is to be looked at again. */
        walk_forget(m, result);
        return -XEN_ERESTART;
    }
    if (!f || !frame_get(f))
        return refuse(-XEN_EINVAL, mfn.n);
    error = type_begin(m, f, type);
    if (error == TYPE_WALK)
        return walk_validate(m, f, result);
    if (error)
        frame_put(f);
    return error;
}

void type_put(struct domain_memory *m, mfn_t mfn)
{
    struct frame *f = mfn_to_frame(mfn);

    if (type_end(m, f) == TYPE_WALK)
        walk_release(m, f);
    else
        frame_put(f);
}

/* END LAB 2.2 */

/* LAB 2.5b: Take the writable type where it may be had, and stamp the end of the last use. */

bool writable_get_slow(struct domain_memory *owner, struct frame *f)
{
    return type_begin(owner, f, FRAME_WRITABLE) == 0;
}

void writable_last_put(struct frame *f)
{
    f->stamp = tlb_clock();
}

/* END LAB 2.5b */
