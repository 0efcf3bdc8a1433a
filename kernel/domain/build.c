/*
 * Building a domain: see build.h. The plan names frames by pfn; frames are allocated, translated through the domain's own p2m list while
 * it is being written, and filled through the direct map. In the end the tables are validated like any other's: a bug in the plan is refused,
 * not trusted.
 */
#include "domain/build.h"
#include "domain/end.h"
#include "domain/event.h"
#include "domain/grant.h"
#include "lib/bzimage.h"
#include "lib/debug.h"
#include "lib/elf.h"
#include "lib/hypercall_page.h"
#include "lib/plan.h"
#include "lib/string.h"
#include "lib/xennote.h"
#include "mm/alloc.h"
#include "mm/memory.h"
#include "mm/type.h"

/*
 * The p2m list while it is being built: a radix tree whose leaves are the domain's own p2m pages, `mid` the hypervisor's scratch pages.
 */
struct builder {
    struct domain *d;
    struct plan plan;
    u64 **mid[PTES_PER_TABLE]; /* mid[n / 512][n % 512]: page n of the p2m list */
};

static u64 *p2m_slot(struct builder *b, u64 pfn)
{
    u64 page = pfn / PTES_PER_TABLE;

    return &b->mid[page / PTES_PER_TABLE][page % PTES_PER_TABLE][pfn % PTES_PER_TABLE];
}

static mfn_t pfn_to_mfn(struct builder *b, u64 pfn)
{
    return MFN(*p2m_slot(b, pfn));
}

static void *pfn_to_virt(struct builder *b, u64 pfn)
{
    return mfn_to_virt(pfn_to_mfn(b, pfn));
}

static mfn_t new_frame(struct builder *b, u64 pfn)
{
    mfn_t mfn = memory_alloc_page(&b->d->mem);

    if (mfn.n != INVALID_MFN.n)
        m2p_table[mfn.n] = pfn;
    return mfn;
}

/* The pages of the p2m list come first, so that there is a place to note all frames, themselves included. */
static bool allocate_p2m(struct builder *b)
{
    const struct plan_range *r = &b->plan.p2m;

    for (u64 i = 0; i < r->pages; i++) {
        u64 ***mid = &b->mid[i / PTES_PER_TABLE];
        if (!*mid) {
            mfn_t scratch = alloc_koan_page();
            if (scratch.n == INVALID_MFN.n)
                return false;
            *mid = mfn_to_virt(scratch);
        }
        mfn_t mfn = new_frame(b, r->pfn + i);
        if (mfn.n == INVALID_MFN.n)
            return false;
        (*mid)[i % PTES_PER_TABLE] = mfn_to_virt(mfn);
    }
    for (u64 i = 0; i < r->pages; i++)
        *p2m_slot(b, r->pfn + i) = virt_to_mfn(b->mid[i / PTES_PER_TABLE][i % PTES_PER_TABLE]).n;
    return true;
}

static bool allocate_rest(struct builder *b)
{
    const struct plan_range *r = &b->plan.p2m;

    for (u64 pfn = 0; pfn < b->plan.pages; pfn++) {
        if (pfn >= r->pfn && pfn < r->pfn + r->pages)
            continue;
        mfn_t mfn = new_frame(b, pfn);
        if (mfn.n == INVALID_MFN.n)
            return false;
        *p2m_slot(b, pfn) = mfn.n;
    }
    return true;
}

/* Copy bytes to an offset from the start of the domain's pages. The pages come zeroed, so nothing else needs to be written. */
static void copy_in(struct builder *b, u64 offset, const void *from, u64 length)
{
    const u8 *p = from;

    while (length) {
        u64 in_page = offset % PAGE_SIZE;
        u64 n = min(length, PAGE_SIZE - in_page);
        memcpy((u8 *)pfn_to_virt(b, offset / PAGE_SIZE) + in_page, p, n);
        p += n;
        offset += n;
        length -= n;
    }
}

static void load_segments(struct builder *b, const struct elf *elf, const struct xen_image *image)
{
    for (unsigned i = 0; i < elf->header.phnum; i++) {
        struct elf_segment s = elf_segment(elf, i);
        if (!elf_segment_loads(&s))
            continue;
        struct slice bytes = elf_segment_bytes(elf, &s);
        copy_in(b, xen_image_offset(image, s.paddr), bytes.text, bytes.length);
    }
}

static void write_tables(struct builder *b)
{
    for (u64 k = 0; k < plan_table_count(&b->plan); k++) {
        struct plan_table t = plan_table_at(&b->plan, k);
        pte_t *table = pfn_to_virt(b, t.pfn);
        for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
            struct plan_entry e = plan_entry_at(&b->plan, &t, i);
            if (e.present)
                table[i] = pte_make(pfn_to_mfn(b, e.pfn), e.flags);
        }
    }
}

/*
 * A domain's two rings are lent to the domain that looks after the machine, as its daemons map them by these grants.
 */
static bool seed_grants(struct builder *b)
{
    struct domain_memory *m = &b->d->mem;

    return grant_seed(m, GNTTAB_RESERVED_CONSOLE, 0, pfn_to_mfn(b, b->plan.console.pfn)) &&
           grant_seed(m, GNTTAB_RESERVED_XENSTORE, 0, pfn_to_mfn(b, b->plan.xenstore.pfn));
}

/*
 * The channels that an unprivileged domain starts with. The console's ring is served by the hypervisor until a dom0 takes it over, even
 * where `console=no` refuses console_io, as Xen does. The store's waits for the dom0 that was started before; without one it has no
 * port, for Linux takes a port as a promise that somebody answers, and waits for ever.
 */
static bool make_channels(struct builder *b, struct plan_frames *frames)
{
    mfn_t console = pfn_to_mfn(b, b->plan.console.pfn);

    frames->xenstore_mfn = pfn_to_mfn(b, b->plan.xenstore.pfn).n;
    frames->console_mfn = console.n;
    struct domain *dom0 = domain_hold(0);
    if (dom0) {
        domain_let_go(dom0);
        if (event_alloc_unbound(b->d, 0, &frames->xenstore_evtchn))
            return false;
    }
    return seed_grants(b) && console_ring_start(b->d, console, &frames->console_evtchn);
}

static bool write_start_info(struct builder *b)
{
    struct plan_frames frames = { .shared_info = b->d->shared_mfn.n << PAGE_SHIFT };

    if (!b->d->privileged && !make_channels(b, &frames))
        return false;
    plan_start_info(&b->plan, &frames, pfn_to_virt(b, b->plan.start_info.pfn));
    return true;
}

static bool start_vcpu(struct builder *b)
{
    struct vcpu *v = b->d->vcpus[0];
    struct plan_registers r = plan_registers(&b->plan);
    mfn_t l4 = pfn_to_mfn(b, b->plan.tables.pfn);

    if (memory_pin_built_l4(&b->d->mem, l4))
        return false;
    spin_lock(&b->d->mem.lock);
    s64 error = type_get(&b->d->mem, l4, FRAME_L4, NULL);
    spin_unlock(&b->d->mem.lock);
    if (error)
        return false;
    v->ctx.cr3_kernel = l4.n << PAGE_SHIFT;
    v->ctx.regs.rip = r.rip;
    v->ctx.regs.rsp = r.rsp;
    v->ctx.regs.rsi = r.rsi;
    v->ctx.regs.rflags = r.rflags | BIT(1);
    v->ctx.regs.cs = r.cs | 3;
    v->ctx.regs.ss = r.ss | 3;
    v->initialised = true; /* and down, until it is woken */
    return true;
}

static bool fill(struct builder *b, const struct build_input *in, const struct elf *elf,
                 const struct xen_image *image)
{
    if (!allocate_p2m(b) || !allocate_rest(b)) {
        printk("%s: not enough memory for its %lu pages\n", in->config.name, b->plan.pages);
        return false;
    }
    load_segments(b, elf, image);
    copy_in(b, b->plan.ramdisk.pfn * PAGE_SIZE, in->ramdisk, in->ramdisk_size);
    if (b->plan.has_hypercall_page)
        hypercall_page_fill(pfn_to_virt(b, b->plan.hypercall_pfn));
    write_tables(b);
    if (!write_start_info(b) || !start_vcpu(b)) {
        printk("%s: its first page tables were refused: a bug in the plan, please report it\n",
               in->config.name);
        return false;
    }
    return true;
}

static void free_scratch(struct builder *b)
{
    for (u32 i = 0; i < PTES_PER_TABLE; i++)
        if (b->mid[i])
            alloc_free_koan_page(virt_to_mfn(b->mid[i]));
}

static bool read_image(const struct build_input *in, struct elf *elf, struct xen_image *image,
                       struct problem *problem)
{
    if (bzimage_is_bzimage(in->image, in->image_size))
        return problem_plain(
            problem, "file header", "this is a compressed bzImage",
            "unpack it first: tools/koan-run does so, or build/tools/bzimage by hand");
    return elf_open(elf, in->image, in->image_size, problem) && xen_image_read(image, elf, problem);
}

static void report(const char *name, const struct problem *problem)
{
    char line[256];

    problem_format(problem, line, sizeof(line));
    printk("%s: refused: %s\n", name, line);
    end_note(END_REFUSED);
}

struct domain *domain_build(const struct build_input *in)
{
    static struct builder b; /* one at a time: boot, or under domctl's lock */
    static struct xen_image image;
    struct elf elf;
    struct problem problem;
    struct plan_input input = { .image = &image,
                                .pages = in->config.pages,
                                .ramdisk_size = in->ramdisk_size,
                                .cmdline = in->cmdline,
                                .privileged = in->config.privileged,
                                .initial = in->config.privileged };

    memset(&b, 0, sizeof(b));
    if (!read_image(in, &elf, &image, &problem) || !plan_make(&b.plan, &input, &problem)) {
        report(in->config.name, &problem);
        return NULL;
    }
    b.d = domain_create(&in->config);
    if (!b.d) {
        printk(
            "%s: refused: %lu MiB and %u vCPUs are more than is free; give it less with mem= or vcpus=\n",
            in->config.name, in->config.pages >> 8, in->config.vcpus);
        end_note(END_REFUSED);
        return NULL;
    }
    bool ok = fill(&b, in, &elf, &image);
    free_scratch(&b);
    if (!ok) {
        domain_end(b.d, END_REFUSED);
        return NULL;
    }
    b.d->symbols = image_symbols_keep(in->image, in->image_size);
    printk("%s: domain %u, %lu MiB, %u vCPUs, entry at 0x%lx\n", b.d->name, b.d->id,
           in->config.pages >> 8, in->config.vcpus, b.plan.entry);
    return b.d;
}
