/*
 * Grant tables, the granter's side: the table itself and who uses which of its entries. See grant.h.
 */
#include "domain/grant.h"

#include "abi/errno.h"
#include "lib/panic.h"
#include "lib/trace.h"
#include "mm/alloc.h"

#ifdef KOAN_HOST
bool work_pending(void);
#else
#include "x86/cpu.h"
#endif

/* How often a guest may change an entry under our hands before we say so: as often as Xen. */
#define ENTRY_ATTEMPTS 5

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

static struct grant_entry_v1 *entry_of(const struct grant_table *t, grant_ref_t ref)
{
    return &t->shared[ref / GRANT_REFS_PER_FRAME][ref % GRANT_REFS_PER_FRAME];
}

static struct grant_active *active_of(const struct grant_table *t, grant_ref_t ref)
{
    return &t->active[ref / GRANT_ACTIVE_PER_PAGE][ref % GRANT_ACTIVE_PER_PAGE];
}

static bool in_use(const struct grant_active *a)
{
    return (a->reads | a->writes) != 0;
}

bool grant_seed(struct domain_memory *m, grant_ref_t ref, u16 to, mfn_t frame)
{
    assert(ref < GRANT_REFS_PER_FRAME);
    if (grant_table_grow(m, 1))
        return false;
    *entry_of(m->grants, ref) =
        (struct grant_entry_v1){ .flags = GTF_permit_access, .domid = to, .frame = (u32)frame.n };
    return true;
}

/* A whole entry, read and compared at once: what the granter writes meanwhile makes the comparison fail. */
union entry_word {
    struct grant_entry_v1 entry;
    u64 word;
};
static_assert(sizeof(union entry_word) == 8, "one word");

/* Does the granter allow it, as the entry stands now? */
static bool allows(const struct grant_entry_v1 *entry, u16 to, bool write)
{
    return (entry->flags & GTF_type_mask) == GTF_permit_access && entry->domid == to &&
           !(write && (entry->flags & GTF_readonly));
}

/* Set the bits of use in the entry, if it allows the use, at one moment. */
static s16 mark_entry(struct grant_entry_v1 *entry, u16 to, bool write, u32 *mfn)
{
    u64 *word = (u64 *)entry;
    union entry_word seen = { .word = __atomic_load_n(word, __ATOMIC_ACQUIRE) };

    for (u32 i = 0; i < ENTRY_ATTEMPTS; i++) {
        union entry_word marked = seen;

        if (unlikely(!allows(&seen.entry, to, write)))
            return (s16)refuse(GNTST_general_error, seen.word);
        marked.entry.flags |= write ? GTF_reading | GTF_writing : GTF_reading;
        if (likely(__atomic_compare_exchange_n(word, &seen.word, marked.word, false,
                                               __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))) {
            *mfn = seen.entry.frame;
            return GNTST_okay;
        }
    }
    return (s16)refuse(GNTST_general_error, seen.word);
}

static s16 use_locked(struct grant_table *t, grant_ref_t ref, u16 to, bool write)
{
    struct grant_active *a = active_of(t, ref);
    bool used = in_use(a);
    u32 mfn = a->mfn;

    if (unlikely(used && (a->domid != to || a->reads + (u64)a->writes >= GRANT_USES_MAX)))
        return (s16)refuse(GNTST_general_error, ref);
    /* What is in use already needs no new permission: the granter can't take it back. */
    if (!used || (write && !a->writes)) {
        s16 status = mark_entry(entry_of(t, ref), to, write, &mfn);

        if (unlikely(status))
            return status;
    }
    if (!used) {
        a->mfn = mfn;
        a->domid = to;
    }
    ++*(write ? &a->writes : &a->reads);
    t->users++;
    return GNTST_okay;
}

s16 grant_use(struct grant_table *t, grant_ref_t ref, u16 to, bool write, mfn_t *mfn)
{
    s16 status = GNTST_bad_gntref;

    spin_lock(&t->lock);
    assert(!t->dead);
    if (likely(ref < t->frames * GRANT_REFS_PER_FRAME)) {
        status = use_locked(t, ref, to, write);
        *mfn = MFN(active_of(t, ref)->mfn);
    }
    spin_unlock(&t->lock);
    return status;
}

/* One user less; false: it was the last one, and nobody knows of the table any more. */
static bool table_put(struct grant_table *t)
{
    bool others = --t->users != 0;

    assert(others || t->dead);
    return others;
}

static void unuse_locked(struct grant_table *t, grant_ref_t ref, bool write)
{
    struct grant_active *a = active_of(t, ref);
    u16 ended = 0;

    assert(write ? a->writes : a->reads);
    --*(write ? &a->writes : &a->reads);
    if (write && !a->writes)
        ended = GTF_writing;
    if (!in_use(a))
        ended |= GTF_reading;
    if (ended)
        __atomic_fetch_and(&entry_of(t, ref)->flags, (u16)~ended, __ATOMIC_RELEASE);
}

void grant_unuse(struct grant_table *t, grant_ref_t ref, bool write)
{
    spin_lock(&t->lock);
    if (likely(!t->dead))
        unuse_locked(t, ref, write);
    bool others = table_put(t);
    spin_unlock(&t->lock);
    if (unlikely(!others))
        alloc_free_koan_page(virt_to_mfn(t));
}

/* ---- swap ---- */

static s16 swap_locked(struct grant_table *t, grant_ref_t a, grant_ref_t b)
{
    u64 *first, *second;

    if (max(a, b) >= t->frames * GRANT_REFS_PER_FRAME)
        return (s16)refuse(GNTST_bad_gntref, max(a, b));
    if (a == b)
        return GNTST_okay;
    if (in_use(active_of(t, a)) || in_use(active_of(t, b)))
        return (s16)refuse(GNTST_eagain, a);
    first = (u64 *)entry_of(t, a);
    second = (u64 *)entry_of(t, b);
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
    bool others = table_put(t);
    spin_unlock(&t->lock);
    if (!others)
        alloc_free_koan_page(virt_to_mfn(t));
    return true;
}
