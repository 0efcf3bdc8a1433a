/*
 * The frame allocator: see alloc.h.
 *
 * Free frames form one list, last in first out, so that a frame's next use finds it in the cache. Of each domain the allocator keeps the list of
 * its frames (frame->next and prev, head in struct domain_memory) and how many of its reservation it has taken.
 *
 * What is promised to a domain and not taken is max_pages - pages, or 0 where it has more than its reservation; the sum over all domains
 * is stats.promised, and stats.promised <= stats.free holds whenever the lock is free.
 */
#include "mm/alloc.h"

#include "lib/panic.h"
#include "lib/string.h"
#include "mm/memory.h"
#include "mm/owner.h"
#include "x86/lock.h"

#ifdef KOAN_HOST
extern u32 nr_cpus;
#endif

static struct spinlock alloc_lock = SPINLOCK_INIT(LOCK_ALLOC);
static u32 free_list;            /* f: first free frame; 0: none */
static struct alloc_stats stats; /* f */
static u64 settled; /* f: every CPU has flushed its TLB since this value of the flush clock */

struct cpumask cpumask_all(void)
{
    struct cpumask all = { 0 };

    for (u32 i = 0; i < nr_cpus; i++)
        all.bits[i / 64] |= BIT(i % 64);
    return all;
}

static u64 promised_to(const struct domain_memory *m)
{
    return m->max_pages > m->pages ? m->max_pages - m->pages : 0;
}

static struct domain_memory *registered(u32 domid)
{
    return owner_memory(domid);
}

/* LAB 2.1a: Keep the free frames: take them in, hand them out clean and with one owner. */

/* Frame numbers in lists have 32 bits: 16 TiB. */
static void push_free(struct frame *f)
{
    u64 stamp = f->stamp;

    *f = (struct frame){
        .owner = OWNER_FREE, .flags = FRAME_DIRTY, .stamp = stamp, .next = free_list
    };
    free_list = (u32)frame_to_mfn(f).n;
    stats.free++;
}

void alloc_give(mfn_t start, u64 count)
{
    u64 first = max(start.n, 1UL), end = max(start.n + count, first);

    spin_lock(&alloc_lock);
    /* Backwards, so that the lowest frame is handed out first. All of memory goes through here at boot: a few stores for each frame. */
    for (u64 n = end; n-- > first;) {
        frame_table[n] =
            (struct frame){ .owner = OWNER_FREE, .flags = FRAME_DIRTY, .next = free_list };
        m2p_table[n] = INVALID_M2P;
        free_list = (u32)n;
    }
    stats.free += end - first;
    stats.total += end - first;
    spin_unlock(&alloc_lock);
}

/* The first free frame, with one reference and the hypervisor as owner. Only while there are free frames. */
static struct frame *pop_free(void)
{
    struct frame *f = mfn_to_frame(MFN(free_list));

    assert(free_list && f->owner == OWNER_FREE && f->refs == 0);
    free_list = f->next;
    stats.free--;
    f->next = 0;
    f->refs = 1;
    f->owner = OWNER_KOAN;
    return f;
}

/*
 * The frame changes hands: no CPU may keep a way to it, and its bytes must be gone. Stamps of frames freed before the last flush are older than
 * `settled`, so a long run of allocations flushes once.
 */
static void make_clean(struct frame *f)
{
    if (f->stamp > __atomic_load_n(&settled, __ATOMIC_RELAXED)) {
        struct cpumask all = cpumask_all();

        tlb_flush_stale(&all, f->stamp);
        __atomic_store_n(&settled, f->stamp, __ATOMIC_RELAXED);
    }
    if (f->flags & FRAME_DIRTY)
        memset(frame_to_virt(f), 0, PAGE_SIZE);
    f->flags &= (u8)~FRAME_DIRTY;
}

mfn_t alloc_koan_page(void)
{
    struct frame *f = NULL;

    spin_lock(&alloc_lock);
    if (stats.free > stats.promised) {
        f = pop_free();
        stats.koan++;
    }
    spin_unlock(&alloc_lock);
    if (!f)
        return INVALID_MFN;
    make_clean(f);
    return frame_to_mfn(f);
}

void alloc_free_koan_page(mfn_t mfn)
{
    struct frame *f = mfn_to_frame(mfn);

    assert(mfn_valid(mfn) && f->owner == OWNER_KOAN);
    frame_put(f);
}

/* END LAB 2.1a */

/* LAB 2.1b: Give frames to a domain and take them back: list, reservation, limbo. */

/* Put a clean frame of the hypervisor into the domain's list: from here on the domain may use it. */
static void link_page(struct domain_memory *m, struct frame *f)
{
    spin_lock(&alloc_lock);
    f->prev = 0;
    f->next = m->page_list;
    if (f->next)
        mfn_to_frame(MFN(f->next))->prev = (u32)frame_to_mfn(f).n;
    m->page_list = (u32)frame_to_mfn(f).n;
    f->owner = m->domid;
    spin_unlock(&alloc_lock);
}

static void unlink_page(struct domain_memory *m, struct frame *f)
{
    if (f->next)
        mfn_to_frame(MFN(f->next))->prev = f->prev;
    if (f->prev)
        mfn_to_frame(MFN(f->prev))->next = f->next;
    else
        m->page_list = f->next;
    f->next = f->prev = 0;
}

mfn_t alloc_domain_page(struct domain_memory *m)
{
    struct frame *f = NULL;

    spin_lock(&alloc_lock);
    if (m->pages < m->max_pages) {
        f = pop_free(); /* there is one: it was promised */
        m->pages++;
        stats.promised--;
    }
    spin_unlock(&alloc_lock);
    if (!f)
        return INVALID_MFN;
    make_clean(f);
    link_page(m, f);
    return frame_to_mfn(f);
}

mfn_t alloc_shared_page(struct domain_memory *m)
{
    mfn_t mfn = alloc_koan_page();

    if (mfn.n == INVALID_MFN.n)
        return mfn;
    mfn_to_frame(mfn)->flags |= FRAME_SHARED;
    link_page(m, mfn_to_frame(mfn));
    return mfn;
}

/* No new reference is possible from here on: the frame has no owner that could ask for one. */
void alloc_to_limbo(struct domain_memory *m, struct frame *f)
{
    spin_lock(&alloc_lock);
    unlink_page(m, f);
    f->owner = OWNER_LIMBO;
    f->next = m->domid;
    m2p_table[frame_to_mfn(f).n] = INVALID_M2P;
    spin_unlock(&alloc_lock);
}

/* A page of a domain comes back. Its reservation gets it again, unless the domain is gone or has more than its reservation. */
static void account_return(u32 domid)
{
    struct domain_memory *m = registered(domid);

    if (!m)
        return;
    stats.promised -= promised_to(m);
    m->pages--;
    stats.promised += promised_to(m);
}

/* The last reference is gone. The frame is the hypervisor's or in limbo: an owner's allocation is a reference of its own. */
void frame_free(struct frame *f)
{
    assert(f->type_refs == 0 && (f->owner == OWNER_KOAN || f->owner == OWNER_LIMBO));
    f->stamp = tlb_clock();
    spin_lock(&alloc_lock);
    if (f->owner == OWNER_KOAN || (f->flags & FRAME_SHARED))
        stats.koan--;
    else
        account_return(f->next);
    push_free(f);
    spin_unlock(&alloc_lock);
}

/* END LAB 2.1b */

bool alloc_register(struct domain_memory *m, u64 pages)
{
    spin_lock(&alloc_lock);
    assert(!owners[m->domid].memory && !owner_in_limbo(m->domid));
    owners[m->domid].memory = m;
    spin_unlock(&alloc_lock);
    return alloc_promise(m, pages);
}

bool alloc_promise(struct domain_memory *m, u64 pages)
{
    spin_lock(&alloc_lock);
    u64 others = stats.promised - promised_to(m);
    u64 more = pages > m->pages ? pages - m->pages : 0;
    bool ok = more <= stats.free - others;
    if (ok) {
        m->max_pages = pages;
        stats.promised = others + more;
    }
    spin_unlock(&alloc_lock);
    return ok;
}

struct domain_memory *alloc_find(u16 domid)
{
    spin_lock(&alloc_lock);
    struct domain_memory *m = registered(domid);
    if (m && __atomic_load_n(&m->hidden, __ATOMIC_ACQUIRE))
        m = NULL;
    if (m)
        m->users++;
    spin_unlock(&alloc_lock);
    return m;
}

void alloc_let_go(struct domain_memory *m)
{
    spin_lock(&alloc_lock);
    m->users--;
    spin_unlock(&alloc_lock);
}

/* Frames in limbo come back later and find nobody to account them to. May be called again. */
bool alloc_unregister(struct domain_memory *m)
{
    spin_lock(&alloc_lock);
    bool unused = m->users == 0;
    if (unused) {
        stats.promised -= promised_to(m);
        m->max_pages = 0;
        if (owners[m->domid].memory == m)
            owners[m->domid].memory = NULL;
    }
    spin_unlock(&alloc_lock);
    return unused;
}

struct alloc_stats alloc_stats(void)
{
    spin_lock(&alloc_lock);
    struct alloc_stats copy = stats;
    spin_unlock(&alloc_lock);
    return copy;
}
