/*
 * Grant tables, the granter's side: the table itself and who uses which of its entries. See grant.h.
 */
#include "domain/grant_use.h"

#include "abi/errno.h"
#include "lib/panic.h"
#include "lib/trace.h"
#include "mm/alloc.h"

#ifdef KOAN_HOST
bool work_pending(void);
#else
#include "x86/cpu.h"
#endif

/* ---- making one ---- */

static struct grant_table *table_new(u16 domid)
{
    mfn_t mfn = alloc_koan_page();

    if (mfn.n == INVALID_MFN.n)
        return NULL;
    struct grant_table *t = mfn_to_virt(mfn);
    t->lock = SPINLOCK_INIT(LOCK_GRANT);
    t->domid = domid;
    t->users = 1;
    return t;
}

static void free_page(mfn_t mfn)
{
    if (mfn.n != INVALID_MFN.n)
        alloc_free_koan_page(mfn);
}

/* A frame more, with its two pages of uses. */
static bool add_frame(struct domain_memory *m, struct grant_table *t)
{
    mfn_t first = alloc_koan_page(), second = alloc_koan_page();
    mfn_t shared = INVALID_MFN;

    if (first.n != INVALID_MFN.n && second.n != INVALID_MFN.n)
        shared = memory_alloc_shared(m);
    if (shared.n == INVALID_MFN.n) {
        free_page(first);
        free_page(second);
        return false;
    }
    spin_lock(&t->lock);
    t->active[2 * t->frames] = mfn_to_virt(first);
    t->active[2 * t->frames + 1] = mfn_to_virt(second);
    t->shared[t->frames] = mfn_to_virt(shared);
    t->frames++;
    spin_unlock(&t->lock);
    return true;
}
static_assert(GRANT_REFS_PER_FRAME == 2 * GRANT_ACTIVE_PER_PAGE, "two pages for each frame");

static s64 grow_by_one(struct domain_memory *m)
{
    if (m->dying)
        return refuse(-XEN_ESRCH, m->domid);
    if (!m->grants)
        m->grants = table_new(m->domid);
    return m->grants && add_frame(m, m->grants) ? 0 : refuse(-XEN_ENOMEM, m->domid);
}

/* A frame at a time: pages have to be cleared. */
s64 grant_table_grow(struct domain_memory *m, u32 frames)
{
    assert(frames <= GRANT_FRAMES_MAX);
    for (;;) {
        if (!memory_enter(m))
            return -XEN_ERESTART;
        bool enough = m->grants && m->grants->frames >= frames;
        s64 error = enough ? 0 : grow_by_one(m);
        memory_leave(m);
        if (enough || error)
            return error;
        if (work_pending())
            return -XEN_ERESTART;
    }
}

/* A domain has one frame from the start, though it is made when somebody asks for it. */
u32 grant_table_frames(const struct domain_memory *m)
{
    return m->grants ? max(m->grants->frames, 1U) : 1;
}

mfn_t grant_table_frame(const struct domain_memory *m, u32 index)
{
    assert(m->grants && index < m->grants->frames);
    return virt_to_mfn(m->grants->shared[index]);
}

/* ---- entries ---- */

bool grant_seed(struct domain_memory *m, grant_ref_t ref, u16 to, mfn_t frame)
{
    s64 error;

    assert(ref < GRANT_REFS_PER_FRAME);
    do /* pending work is none of a builder's: each call is a step further */
        error = grant_table_grow(m, 1);
    while (error == -XEN_ERESTART);
    if (error)
        return false;
    *grant_entry(m->grants, ref) =
        (struct grant_entry_v1){ .flags = GTF_permit_access, .domid = to, .frame = (u32)frame.n };
    return true;
}

/* ---- swap ---- */

static s16 swap_locked(struct grant_table *t, grant_ref_t a, grant_ref_t b)
{
    u64 *first, *second;

    if (max(a, b) >= t->frames * GRANT_REFS_PER_FRAME)
        return (s16)refuse(GNTST_bad_gntref, max(a, b));
    if (a == b)
        return GNTST_okay;
    if (grant_active(t, a)->uses || grant_active(t, b)->uses)
        return (s16)refuse(GNTST_eagain, a);
    first = (u64 *)grant_entry(t, a);
    second = (u64 *)grant_entry(t, b);
    u64 word = __atomic_load_n(first, __ATOMIC_RELAXED);
    word = __atomic_exchange_n(second, word, __ATOMIC_ACQ_REL);
    __atomic_store_n(first, word, __ATOMIC_RELEASE);
    return GNTST_okay;
}

s16 grant_swap(struct domain_memory *m, grant_ref_t a, grant_ref_t b)
{
    struct grant_table *t = m->grants;

    if (!t)
        return (s16)refuse(GNTST_bad_gntref, a);
    spin_lock(&t->lock);
    s16 status = swap_locked(t, a, b);
    spin_unlock(&t->lock);
    return status;
}

/* ---- the end ---- */

void grant_table_free(struct grant_table *t)
{
    assert(t->dead && !t->users && !t->frames);
    alloc_free_koan_page(virt_to_mfn(t));
}

/* Nobody begins a use of a dying domain's grants; those that are under way find it dead and leave its entries alone. */
bool grant_table_end(struct domain_memory *m)
{
    struct grant_table *t = m->grants;

    if (!t)
        return true;
    assert(m->dying);
    spin_lock(&t->lock);
    t->dead = true;
    spin_unlock(&t->lock);
    while (t->frames) {
        t->frames--;
        alloc_free_koan_page(virt_to_mfn(t->active[2 * t->frames]));
        alloc_free_koan_page(virt_to_mfn(t->active[2 * t->frames + 1]));
        if (work_pending())
            return false;
    }
    m->grants = NULL;
    spin_lock(&t->lock);
    bool others = --t->users != 0;
    spin_unlock(&t->lock);
    if (!others)
        grant_table_free(t);
    return true;
}
