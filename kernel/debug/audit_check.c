/*
 * The comparison: what the frame table, the lists and the allocator say against what was recounted, and what CPUs have loaded.
 */
#include "debug/audit.h"
#include "domain/domain.h"
#include "mm/alloc.h"
#include "mm/map.h"

/* How many frames each kind of owner has, by the frame table. */
struct tally {
    u64 frames, free, koan, owned, limbo, shared;
};

static void check_free(mfn_t mfn, const struct frame *f)
{
    if (f->refs || f->type_refs)
        audit_differs(mfn, "free, but it has %u refs and %u type refs", f->refs, f->type_refs);
    if (f->flags & ~FRAME_DIRTY)
        audit_differs(mfn, "free, but flags other than `dirty` are set");
    if (m2p_table[mfn.n] != INVALID_M2P)
        audit_differs(mfn, "free, but the machine-to-physical table says %#lx", m2p_table[mfn.n]);
}

/* Nobody but the hypervisor's page tables may reach a frame that is free or its own. */
static void check_unreachable(mfn_t mfn, const struct recount *r)
{
    if (r->refs)
        audit_differs(mfn, "guests hold it %u times", r->refs);
}

static void check_counts(mfn_t mfn, const struct frame *f, const struct recount *r)
{
    bool table = f->type >= FRAME_L1 && f->type <= FRAME_L4;

    if (f->refs != r->refs)
        audit_differs(mfn, "the table says %u refs, the recount %u", f->refs, r->refs);
    if (f->type_refs != r->type_refs)
        audit_differs(mfn, "the table says %u type refs, the recount %u", f->type_refs,
                      r->type_refs);
    if (table && f->linear != r->linear)
        audit_differs(mfn, "the table says %d linear links, the recount %d", f->linear, r->linear);
    if (r->granted < 0)
        audit_differs(mfn, "mapped by unprivileged domains %d times more than it is granted",
                      -r->granted);
    if (f->type > FRAME_WRITABLE)
        audit_differs(mfn, "there is no such type");
    if ((f->flags & FRAME_SHARED) && f->type != FRAME_NONE && f->type != FRAME_WRITABLE)
        audit_differs(mfn, "a shared frame may only be writable");
    if ((f->flags & FRAME_PINNED) && !table)
        audit_differs(mfn, "pinned, but no page table");
}

static void check_frame(mfn_t mfn, struct tally *tally)
{
    const struct frame *f = mfn_to_frame(mfn);
    const struct recount *r = recount_of(mfn);

    if (f->owner == OWNER_NONE)
        return;
    tally->frames++;
    if (!r) {
        audit_differs(mfn, "RAM that appeared after start-up");
    } else if (f->owner == OWNER_FREE) {
        tally->free++;
        check_free(mfn, f);
        check_unreachable(mfn, r);
    } else if (f->owner == OWNER_KOAN) {
        tally->koan++;
        check_unreachable(mfn, r);
    } else {
        tally->shared += (f->flags & FRAME_SHARED) != 0;
        if (!(f->flags & FRAME_SHARED)) {
            tally->limbo += f->owner == OWNER_LIMBO;
            tally->owned += f->owner != OWNER_LIMBO;
        }
        check_counts(mfn, f, r);
    }
}

/* ---- lists ---- */

/* The list hangs together if one free frame is nobody's next, and all are reached from there. */
static void check_free_list(u64 free)
{
    u64 head = 0, heads = 0, reached = 0;

    for (u64 n = 0; n < max_mfn; n++) {
        const struct frame *f = mfn_to_frame(MFN(n));

        if (f->owner != OWNER_FREE || !f->next)
            continue;
        if (!mfn_valid(MFN(f->next)) || mfn_to_frame(MFN(f->next))->owner != OWNER_FREE)
            audit_differs(MFN(n), "on the free list before frame %#x, which is not free", f->next);
        else
            recount_of(MFN(f->next))->linear++;
    }
    for (u64 n = 0; n < max_mfn; n++) {
        if (mfn_to_frame(MFN(n))->owner == OWNER_FREE && !recount_of(MFN(n))->linear) {
            head = n;
            heads++;
        }
    }
    for (u64 n = head; n && mfn_valid(MFN(n)) && reached <= free; n = mfn_to_frame(MFN(n))->next)
        reached++;
    if (free && (heads != 1 || reached != free))
        audit_differs_plain("the free list has %lu beginnings; %lu of %lu free frames are reached",
                            heads, reached, free);
}

/* Frames of this domain by the frame table: shared ones, others, and others that it gave up. */
static void count_owned(const struct domain *d, u64 *shared, u64 *own, u64 *limbo)
{
    *shared = *own = *limbo = 0;
    for (u64 n = 0; n < max_mfn; n++) {
        const struct frame *f = mfn_to_frame(MFN(n));

        if (f->owner == d->id)
            ++*(f->flags & FRAME_SHARED ? shared : own);
        else if (f->owner == OWNER_LIMBO && f->next == d->id && !(f->flags & FRAME_SHARED))
            ++*limbo;
    }
}

static void check_page_list(const struct domain *d)
{
    u64 shared, own, limbo, reached = 0;
    u32 before = 0;

    count_owned(d, &shared, &own, &limbo);
    for (u32 n = d->mem.page_list; n && reached <= own + shared; reached++) {
        const struct frame *f = mfn_to_frame(MFN(n));

        if (!mfn_valid(MFN(n)) || f->owner != d->id || f->prev != before) {
            audit_differs(MFN(n), "stands in the page list of domain %u, behind frame %#x", d->id,
                          before);
            return;
        }
        before = n;
        n = f->next;
    }
    if (reached != own + shared)
        audit_differs_plain("domain %u: its page list has %lu frames, the frame table gives it %lu",
                            d->id, reached, own + shared);
    if (!d->mem.dying && d->mem.pages != own + limbo)
        audit_differs_plain(
            "domain %u: it is said to have %lu pages, the frame table gives it %lu (%lu of them given up)",
            d->id, d->mem.pages, own + limbo, limbo);
}

static void check_allocator(const struct tally *tally)
{
    struct alloc_stats stats = alloc_stats();
    u64 promised = 0;

    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        promised += d->mem.max_pages > d->mem.pages ? d->mem.max_pages - d->mem.pages : 0;
    if (stats.free != tally->free)
        audit_differs_plain("the allocator says %lu free frames, the frame table %lu", stats.free,
                            tally->free);
    if (stats.promised != promised || promised > tally->free)
        audit_differs_plain(
            "the allocator has promised %lu frames, the domains' reservations say %lu, and %lu are free",
            stats.promised, promised, tally->free);
    if (stats.total != stats.free + stats.koan + tally->owned + tally->limbo)
        audit_differs_plain(
            "the allocator got %lu frames; %lu free, %lu the hypervisor's and %lu of guests are another number",
            stats.total, stats.free, stats.koan, tally->owned + tally->limbo);
    if (stats.koan > tally->koan + tally->shared)
        audit_differs_plain("the allocator says %lu frames of the hypervisor, the frame table %lu",
                            stats.koan, tally->koan + tally->shared);
}

/* Of the domain; or given up by it, which leaves it all the uses that it had. */
static bool was_owned_by(const struct frame *f, u16 domid)
{
    return f->owner == domid || (f->owner == OWNER_LIMBO && f->next == domid);
}

/* What a CPU has in CR3 must be a validated L4 of the domain that it runs, or the hypervisor's own. */
static void check_cpu(const struct cpu *cpu)
{
    mfn_t l4 = MFN(cpu->cr3 >> PAGE_SHIFT);

    if (l4.n == map_root().n)
        return;
    if (!mfn_valid(l4) || mfn_to_frame(l4)->type != FRAME_L4 || !mfn_to_frame(l4)->type_refs)
        audit_differs(l4, "loaded in CR3 of CPU %u, but no valid L4", cpu->id);
    else if (cpu->current && !was_owned_by(mfn_to_frame(l4), cpu->current->domain->id))
        audit_differs(l4, "loaded in CR3 of CPU %u, which runs domain %u", cpu->id,
                      cpu->current->domain->id);
}

u64 audit_check(void)
{
    struct tally tally = { 0 };

    for (u64 n = 0; n < max_mfn; n++)
        check_frame(MFN(n), &tally);
    check_free_list(tally.free);
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        check_page_list(d);
    check_allocator(&tally);
    for (u32 i = 0; i < nr_cpus; i++)
        check_cpu(cpu_of(i));
    return tally.frames;
}
