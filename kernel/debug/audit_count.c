/*
 * The recount: who holds which frame, found out by looking at the holders one by one.
 *
 * A frame is held by: its allocation, a pin, page-table entries, vCPUs (page-table bases, descriptor tables, a registered vcpu_info), a walk
 * that is under way (mm/walk.h: the tables on its stack, whose entries count only as far as they are accounted), and outcomes of walks that
 * their askers have not fetched. A holder that needs a type is checked against the frame's type at once: a frame has one type, so that shows every
 * mapping that must not be, a writable one of a page table above all.
 *
 * No recursion: each table is looked at as the frame that it is, whoever names it.
 */
#include "debug/audit.h"
#include "domain/domain.h"
#include "lib/string.h"
#include "mm/alloc.h"
#include "mm/map.h"

/* ---- scratch memory: two levels of pointers, then pages of recounts ---- */

#define PER_LEAF     (PAGE_SIZE / sizeof(struct recount))
#define PER_POINTERS (PAGE_SIZE / sizeof(void *))

static struct recount **directories[PER_POINTERS]; /* each a page of pointers to leaves */
static bool prepared;

static void *new_page(void)
{
    mfn_t mfn = alloc_koan_page();

    return mfn.n == INVALID_MFN.n ? NULL : mfn_to_virt(mfn);
}

static bool leaf_has_ram(u64 leaf)
{
    for (u64 n = leaf * PER_LEAF; n < min((leaf + 1) * PER_LEAF, max_mfn); n++)
        if (frame_table[n].owner != OWNER_NONE)
            return true;
    return false;
}

static bool prepare_leaf(u64 leaf)
{
    struct recount ***directory = &directories[leaf / PER_POINTERS];

    if (!*directory && !(*directory = new_page()))
        return false;
    struct recount **slot = &(*directory)[leaf % PER_POINTERS];
    if (!*slot && leaf_has_ram(leaf))
        return (*slot = new_page()) != NULL;
    return true;
}

bool recount_prepare(void)
{
    if (prepared)
        return true;
    u64 leaves = (max_mfn + PER_LEAF - 1) / PER_LEAF;
    if (leaves > PER_POINTERS * PER_POINTERS)
        return false;
    for (u64 leaf = 0; leaf < leaves; leaf++)
        if (!prepare_leaf(leaf))
            return false;
    prepared = true;
    return true;
}

struct recount *recount_of(mfn_t mfn)
{
    u64 leaf = mfn.n / PER_LEAF;

    if (!mfn_valid(mfn) || !directories[leaf / PER_POINTERS])
        return NULL;
    struct recount *page = directories[leaf / PER_POINTERS][leaf % PER_POINTERS];
    return page ? page + mfn.n % PER_LEAF : NULL;
}

void recount_clear(void)
{
    for (u64 n = 0; n < max_mfn; n += PER_LEAF) {
        struct recount *page = recount_of(MFN(n));

        if (page)
            memset(page, 0, PAGE_SIZE);
    }
}

/* ---- holders ---- */

/* See audit.h. */
static void hold(mfn_t mfn, u32 type, const char *by)
{
    struct recount *r = recount_of(mfn);

    if (!r) {
        audit_differs(mfn, "held by %s, but there is no such frame of RAM", by);
        return;
    }
    r->refs++;
    if (type == FRAME_NONE)
        return;
    r->type_refs++;
    if (mfn_to_frame(mfn)->type != type)
        audit_differs(mfn, "%s needs it to be of type %s", by, frame_type_name(type));
}

void audit_hold(mfn_t mfn, u32 type, const char *by)
{
    hold(mfn, type, by);
}

/* The domain to which a frame's counts belong: one in limbo keeps those that it had. */
static u32 whose(mfn_t mfn)
{
    const struct frame *f = mfn_to_frame(mfn);

    return f->owner == OWNER_LIMBO ? f->next : f->owner;
}

/* Only grants let an unprivileged domain map what is another's. */
static bool is_borrowed(const struct domain_memory *m, mfn_t mfn)
{
    return m && !m->privileged && whose(mfn) != m->domid;
}

void audit_may_map(const struct domain_memory *m, mfn_t mfn)
{
    if (is_borrowed(m, mfn))
        recount_of(mfn)->granted++;
}

static const struct walk_table *on_stack(const struct walk *walk, mfn_t table)
{
    for (u32 i = 0; i < walk->depth; i++)
        if (walk->stack[i].mfn == table.n)
            return &walk->stack[i];
    return NULL;
}

/* What ring 3 could do with the entry beyond what it should: checked for every one. */
static void check_l1_entry(mfn_t table, u32 index, pte_t e)
{
    if (!(e & PTE_U))
        audit_differs(table, "entry %u (%#lx) is not open to ring 3", index, e);
    if (e & PTE_G)
        audit_differs(table, "entry %u (%#lx) is global and would outlive its address space", index,
                      e);
}

static void count_l1_entry(const struct domain_memory *m, mfn_t table, u32 index, pte_t e)
{
    mfn_t mfn = pte_mfn(e);

    check_l1_entry(table, index, e);
    if (!mfn_valid(mfn) || mfn_to_frame(mfn)->owner == OWNER_NONE)
        return; /* device memory is nobody's and counts nothing */
    if (is_borrowed(m, mfn) && recount_of(mfn))
        recount_of(mfn)->granted--;
    hold(mfn, e & PTE_RW ? FRAME_WRITABLE : FRAME_NONE,
         e & PTE_RW ? "a writable mapping" : "a read-only mapping");
}

/* An entry that names a table of its own level is a linear one: of another table it counts, of its own table it doesn't. */
static void count_upper_entry(mfn_t table, u32 level, u32 index, pte_t e)
{
    static const char *const by[] = {
        [2] = "an L2 entry", [3] = "an L3 entry", [4] = "an L4 entry"
    };
    mfn_t child = pte_mfn(e);

    if (e & PTE_PSE)
        audit_differs(table, "entry %u (%#lx) is a superpage", index, e);
    if (child.n == table.n) {
        if (e & PTE_RW)
            audit_differs(table, "entry %u (%#lx) names its own table writable", index, e);
        return;
    }
    if (!mfn_valid(child) || mfn_to_frame(child)->type != level) {
        hold(child, level - 1, by[level]);
        return;
    }
    if (e & PTE_RW)
        audit_differs(table, "linear entry %u (%#lx) is writable", index, e);
    hold(child, level, "a linear entry");
    recount_of(table)->linear--;
    if (recount_of(child))
        recount_of(child)->linear++;
}

static void check_hypervisor_slots(mfn_t l4, const pte_t *entries)
{
    if (memcmp(entries + HYP_L4_FIRST, map_l4_entries(),
               (HYP_L4_LAST - HYP_L4_FIRST + 1) * sizeof(pte_t)))
        audit_differs(l4, "its hypervisor slots are not the hypervisor's");
}

static void count_entries(const struct domain_memory *m, mfn_t table, u32 level, u32 accounted)
{
    const pte_t *entries = mfn_to_virt(table);

    for (u32 i = 0; i < accounted; i++) {
        if (!(entries[i] & PTE_P))
            continue;
        if (level == 1)
            count_l1_entry(m, table, i, entries[i]);
        else if (level < 4 || i < HYP_L4_FIRST || i > HYP_L4_LAST)
            count_upper_entry(table, level, i, entries[i]);
    }
    if (level == 4 && accounted == PTES_PER_TABLE)
        check_hypervisor_slots(table, entries);
}

/* A frame in limbo still belongs, for its counts, to the domain that gave it up; that one may be gone. */
static const struct domain *domain_of_frame(const struct frame *f)
{
    u32 id = f->owner == OWNER_LIMBO ? f->next : f->owner;

    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        if (d->id == id)
            return d;
    return NULL;
}

static bool has_owner(const struct frame *f)
{
    return f->owner <= OWNER_LIMBO;
}

static void count_frame(mfn_t mfn, const struct domain *d)
{
    const struct frame *f = mfn_to_frame(mfn);
    bool table = f->type >= FRAME_L1 && f->type <= FRAME_L4;
    const struct walk_table *walked = d ? on_stack(&d->mem.walk, mfn) : NULL;

    if (f->owner != OWNER_LIMBO)
        recount_of(mfn)->refs++; /* its allocation */
    if (f->flags & FRAME_PINNED)
        hold(mfn, table ? f->type : FRAME_L4, "a pin");
    if (table && (f->type_refs || walked))
        count_entries(d ? &d->mem : NULL, mfn, f->type, walked ? walked->index : PTES_PER_TABLE);
}

static void count_frames(void)
{
    const struct domain *d =
        NULL; /* whose frame came last: most have the same owner as their neighbour */

    for (u64 n = 0; n < max_mfn; n++) {
        const struct frame *f = mfn_to_frame(MFN(n));

        if (!has_owner(f) || !recount_of(MFN(n)))
            continue;
        if (!d || d->id != f->owner)
            d = domain_of_frame(f);
        if (!d && f->owner != OWNER_LIMBO)
            audit_differs(MFN(n), "no domain has that id");
        count_frame(MFN(n), d);
    }
}

static void count_base(u64 cr3, const char *by)
{
    if (cr3)
        hold(MFN(cr3 >> PAGE_SHIFT), FRAME_L4, by);
}

static void count_descriptors(const mfn_t *frames, u32 count, const char *by)
{
    for (u32 i = 0; i < count; i++)
        if (frames[i].n != INVALID_MFN.n)
            hold(frames[i], FRAME_SEG, by);
}

/* The outcome of a walk waits with a reference and a type reference, if it was a good one. */
static void count_outcome(const struct walk_result *result)
{
    if (result->state == WALK_DONE && result->error == 0)
        hold(result->root, result->type, "the outcome of a walk");
}

static void count_vcpu(const struct vcpu *v)
{
    count_base(v->ctx.cr3_kernel, "a kernel page-table base");
    count_base(v->ctx.cr3_user, "a user page-table base");
    count_descriptors(v->ctx.gdt_frames, ARRAY_SIZE(v->ctx.gdt_frames), "a GDT");
    count_descriptors(v->ctx.ldt_frames, ARRAY_SIZE(v->ctx.ldt_frames), "an LDT");
    if (v->info_mfn.n != INVALID_MFN.n)
        hold(v->info_mfn, FRAME_WRITABLE, "a vcpu_info");
    count_outcome(&v->walk);
}

/* Tables on the stack are the walk's: with a type reference while it validates, without one while it releases. */
static void count_walk(const struct walk *walk)
{
    for (u32 i = 0; i < walk->depth; i++) {
        mfn_t mfn = MFN(walk->stack[i].mfn);

        hold(mfn, walk->releasing || !mfn_valid(mfn) ? FRAME_NONE : mfn_to_frame(mfn)->type,
             "a walk");
    }
}

void audit_count(void)
{
    count_frames();
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        for (u32 i = 0; i < d->max_vcpus; i++)
            if (d->vcpus[i])
                count_vcpu(d->vcpus[i]);
        if (d->console_ring.mfn.n != INVALID_MFN.n)
            hold(d->console_ring.mfn, FRAME_WRITABLE, "a console ring");
        if (d->pirq_page.n != INVALID_MFN.n)
            hold(d->pirq_page, FRAME_WRITABLE, "a page of interrupts' ends");
        count_walk(&d->mem.walk);
        count_outcome(&d->mem.foreign_result);
    }
    audit_count_grants();
}
