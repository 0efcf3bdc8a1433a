/*
 * A domain's memory from its making to its end: see memory.h.
 */
#include "mm/memory.h"

#include "abi/errno.h"
#include "lib/panic.h"
#include "lib/trace.h"
#include "mm/alloc.h"
#include "mm/owner.h"
#include "mm/type.h"
#include "mm/validate.h"

#ifdef KOAN_HOST
bool work_pending(void);
#else
#include "x86/cpu.h"
#endif

bool memory_init(struct domain_memory *m, u16 domid, bool privileged, u64 pages)
{
    m->lock = SPINLOCK_INIT(LOCK_DOMAIN);
    m->domid = domid;
    m->privileged = privileged;
    m->pte_refused = privileged ? 0 : PTE_CACHE;
    return alloc_register(m, pages);
}

struct domain_memory *memory_find(u16 domid)
{
    return alloc_find(domid);
}

void memory_let_go(struct domain_memory *m)
{
    alloc_let_go(m);
}

bool memory_set_max(struct domain_memory *m, u64 pages)
{
    return alloc_promise(m, pages);
}

bool memory_enter_slow(struct domain_memory *m)
{
    if (walk_run(m))
        return true;
    memory_leave(m);
    return false;
}

void memory_flush_owed(struct domain_memory *m)
{
    m->flush_owed = false;
    tlb_flush_mask(&m->cpus, TLB_ALL);
}

/* Two domains: the lower id first, so that no two CPUs wait for each other. */
bool memory_enter_two(struct domain_memory *a, struct domain_memory *b)
{
    struct domain_memory *first = a->domid < b->domid ? a : b;
    struct domain_memory *second = first == a ? b : a;

    if (!memory_enter(first))
        return false;
    spin_lock_as(&second->lock, LOCK_DOMAIN2);
    if (likely(!walk_active(second)) || memory_enter_slow(second))
        return true;
    memory_leave(first);
    return false;
}

mfn_t memory_alloc_page(struct domain_memory *m)
{
    return alloc_domain_page(m);
}

mfn_t memory_alloc_shared(struct domain_memory *m)
{
    return alloc_shared_page(m);
}

void memory_free_page(struct domain_memory *m, struct frame *f)
{
    assert(f->owner == m->domid);
    alloc_to_limbo(m, f);
    owner_gives_up(m->domid);
    frame_put(f);
}

/* LAB 2.4: Pin, unpin, and release all that a domain has at its end. */

void memory_unpin(struct domain_memory *m, struct frame *f)
{
    assert(f->flags & FRAME_PINNED);
    f->flags &= (u8)~FRAME_PINNED;
    type_put(m, frame_to_mfn(f));
}

s64 memory_pin_built_l4(struct domain_memory *m, mfn_t l4)
{
    spin_lock(&m->lock);
    s64 error = type_get(m, l4, FRAME_L4, NULL);
    if (!error)
        mfn_to_frame(l4)->flags |= FRAME_PINNED;
    spin_unlock(&m->lock);
    return error;
}

/* All pins go first: a table that is pinned may be named by others, and its frame must not be given up before its entries are. */
static bool release_pins(struct domain_memory *m)
{
    while (m->release_next) {
        struct frame *f = mfn_to_frame(MFN(m->release_next));

        m->release_next = f->next;
        if (f->flags & FRAME_PINNED)
            memory_unpin(m, f);
        if (walk_active(m) || work_pending())
            return false;
    }
    return true;
}

static bool release_pages(struct domain_memory *m)
{
    while (m->page_list) {
        memory_free_page(m, mfn_to_frame(MFN(m->page_list)));
        if (work_pending())
            return false;
    }
    return true;
}

/* Called again and again: `releasing` says that the pass over the pins has begun. Nothing is added to the page list of a dying domain. */
static bool release_step(struct domain_memory *m)
{
    if (!m->releasing) {
        m->releasing = true;
        m->release_next = m->page_list;
        walk_forget(m, &m->foreign_result);
    }
    return !walk_active(m) && release_pins(m) && release_pages(m);
}

/* END LAB 2.4 */

bool memory_release(struct domain_memory *m)
{
    if (!memory_enter(m))
        return false;
    bool done = release_step(m);
    memory_leave(m);
    return done && alloc_unregister(m);
}
