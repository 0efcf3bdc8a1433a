/*
 * Building a domain, see build.h. The steps are in the order in which a toolstack takes them on Xen; each says what was refused.
 */
#include "build.h"
#include "abi/grant_table.h"
#include "domctl.h"
#include "foreign.h"
#include "lib/bzimage.h"
#include "lib/elf.h"
#include "lib/xennote.h"
#include "memory.h"

#define P2M_VA 0x0000000070000000UL

/* The domain that is being built. */
static struct {
    const struct build_request *request;
    struct built_domain *d;
    struct elf elf;
    struct xen_image image;
    u64 *p2m; /* mfn of each of its pages */
} b;

static bool refused(const char *what, s64 rc)
{
    print("builder: %s: refused: %s answers %ld\n", b.request->name, what, (long)rc);
    return false;
}

static bool ok(const char *what, s64 rc)
{
    return rc == 0 || refused(what, rc);
}

/* ---- the plan ---- */

static bool read_image(struct problem *problem)
{
    const struct build_request *r = b.request;

    if (bzimage_is_bzimage(r->image, r->image_size))
        return problem_plain(problem, "file header", "this is a compressed bzImage",
                             "unpack it first: tools/koan-run does so");
    return elf_open(&b.elf, r->image, r->image_size, problem) &&
           xen_image_read(&b.image, &b.elf, problem);
}

static bool make_plan(void)
{
    struct problem problem;
    char line[256];
    struct plan_input input = {
        .image = &b.image,
        .pages = b.request->pages,
        .ramdisk_size = b.request->ramdisk_size,
        .cmdline = b.request->cmdline,
    };

    if (read_image(&problem) && plan_make(&b.d->plan, &input, &problem))
        return true;
    problem_format(&problem, line, sizeof(line));
    print("builder: %s: refused: %s\n", b.request->name, line);
    return false;
}

/* ---- a domain without contents ---- */

s64 build_create(u16 *domid, u32 vcpus)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_createdomain,
        .domain = *domid,
        .u.createdomain = {
            .max_vcpus = vcpus,
            .max_evtchn_port = EVTCHN_2L_NR_CHANNELS - 1,
            .max_grant_frames = -1,
            .max_maptrack_frames = -1,
            .grant_opts = 1,
        },
    };
    s64 rc = domctl(&op);

    *domid = rc ? 0 : op.domain;
    return rc;
}

static bool create(void)
{
    b.d->domid = b.request->domid;
    return ok("createdomain", build_create(&b.d->domid, b.request->vcpus));
}

static bool set_limits(void)
{
    struct xen_domctl vcpus = { .cmd = XEN_DOMCTL_max_vcpus,
                                .domain = b.d->domid,
                                .u.max_vcpus.max = b.request->vcpus };
    struct xen_domctl memory = { .cmd = XEN_DOMCTL_max_mem,
                                 .domain = b.d->domid,
                                 .u.max_mem.max_memkb = b.request->pages * (PAGE_SIZE / 1024) };
    struct xen_domctl tsc = { .cmd = XEN_DOMCTL_settscinfo,
                              .domain = b.d->domid,
                              .u.tsc_info.tsc_mode = 2 };

    return ok("max_vcpus", domctl(&vcpus)) && ok("max_mem", domctl(&memory)) &&
           ok("settscinfo", domctl(&tsc));
}

/* Its frames: the list goes in with the numbers that they are to have in the domain, and comes back with the machine's. */
static bool populate(void)
{
    u64 pages = b.request->pages;
    static u64 list_pages; /* of the list that is mapped already */

    for (; list_pages * (PAGE_SIZE / sizeof(u64)) < pages; list_pages++)
        map(P2M_VA + list_pages * PAGE_SIZE, pfn_mfn(pfn_alloc()), PTE_RW_PAGE);
    b.p2m = (u64 *)P2M_VA;
    for (u64 pfn = 0; pfn < pages; pfn++)
        b.p2m[pfn] = pfn;
    struct xen_memory_reservation r = {
        .extent_start = P2M_VA,
        .nr_extents = pages,
        .domid = b.d->domid,
    };
    s64 done = memory_op(XENMEM_populate_physmap, &r);
    return done == (s64)pages || refused("populate_physmap", done);
}

/* ---- contents ---- */

static bool write_segments(void)
{
    for (unsigned int i = 0; i < b.elf.header.phnum; i++) {
        struct elf_segment s = elf_segment(&b.elf, i);
        struct slice bytes = elf_segment_bytes(&b.elf, &s);

        if (elf_segment_loads(&s) &&
            !foreign_write(xen_image_offset(&b.image, s.paddr), bytes.text, bytes.length))
            return false;
    }
    return foreign_write(b.d->plan.ramdisk.pfn * PAGE_SIZE, b.request->ramdisk,
                         b.request->ramdisk_size);
}

static bool write_tables(void)
{
    const struct plan *plan = &b.d->plan;

    for (u64 k = 0; k < plan_table_count(plan); k++) {
        struct plan_table t = plan_table_at(plan, k);
        u64 *table = foreign_page(t.pfn);

        if (!table)
            return false;
        for (unsigned int i = 0; i < PAGE_SIZE / sizeof(u64); i++) {
            struct plan_entry e = plan_entry_at(plan, &t, i);
            table[i] = e.present ? pte_make(b.p2m[e.pfn], e.flags) : 0;
        }
    }
    return true;
}

static bool write_start_info(void)
{
    static struct start_info info;
    struct plan_frames frames = {
        .shared_info = b.d->shared_info_mfn << PAGE_SHIFT,
        .xenstore_mfn = b.d->xenstore_mfn,
        .console_mfn = b.d->console_mfn,
        .console_evtchn = b.d->console_port,
    };

    plan_start_info(&b.d->plan, &frames, &info);
    return foreign_write(b.d->plan.start_info.pfn * PAGE_SIZE, &info, sizeof(info));
}

static bool write_contents(void)
{
    const struct plan *plan = &b.d->plan;

    foreign_open(b.d->domid, b.p2m, b.request->pages);
    bool done = write_segments() &&
                foreign_write(plan->p2m.pfn * PAGE_SIZE, b.p2m, plan->pages * sizeof(u64)) &&
                write_start_info() && write_tables();
    foreign_close();
    return done || refused("a foreign mapping", -XEN_EINVAL);
}

static bool fill_hypercall_page(void)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_hypercall_init, .domain = b.d->domid };

    if (!b.d->plan.has_hypercall_page)
        return true;
    op.u.hypercall_init.gmfn = b.p2m[b.d->plan.hypercall_pfn];
    return ok("hypercall_init", domctl(&op));
}

/* A port of the new domain's that this one may bind to. */
static bool make_port(u32 *port)
{
    struct evtchn_alloc_unbound op = { .dom = b.d->domid, .remote_dom = DOMID_SELF };
    s64 rc = hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, (u64)&op, 0, 0, 0);

    *port = op.port;
    return ok("alloc_unbound", rc);
}

/* The page that it shares with the hypervisor: a PV guest starts with all upcalls masked, and the builder has to say so. */
static bool prepare_shared_info(void)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = b.d->domid };

    if (!ok("getdomaininfo", domctl(&op)))
        return false;
    b.d->shared_info_mfn = op.u.getdomaininfo.shared_info_frame;
    foreign_open(b.d->domid, &b.d->shared_info_mfn, 1);
    struct shared_info *shared = foreign_page(0);
    for (unsigned int i = 0; shared && i < XEN_LEGACY_MAX_VCPUS; i++)
        shared->vcpu_info[i].evtchn_upcall_mask = 1;
    foreign_close();
    return shared || refused("a mapping of shared_info", -XEN_EINVAL);
}

/* Both rings are lent to the domain that looks after the machine. */
static bool seed_grants(void)
{
    u64 frame;
    struct gnttab_setup_table op = { .dom = b.d->domid, .nr_frames = 1, .frame_list = (u64)&frame };
    s64 rc = hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, (u64)&op, 1, 0, 0);

    if (!ok("setup_table", rc ? rc : op.status))
        return false;
    foreign_open(b.d->domid, &frame, 1);
    struct grant_entry_v1 *table = foreign_page(0);
    if (table) {
        table[GNTTAB_RESERVED_CONSOLE] =
            (struct grant_entry_v1){ GTF_permit_access, 0, (u32)b.d->console_mfn };
        table[GNTTAB_RESERVED_XENSTORE] =
            (struct grant_entry_v1){ GTF_permit_access, 0, (u32)b.d->xenstore_mfn };
    }
    foreign_close();
    return table || refused("a mapping of its grant table", -XEN_EINVAL);
}

/* The store's ring has no port: nobody serves it, and a guest that saw one would wait for an answer for ever. */
static bool prepare_rings(void)
{
    const struct plan *plan = &b.d->plan;

    b.d->console_mfn = b.p2m[plan->console.pfn];
    b.d->xenstore_mfn = b.p2m[plan->xenstore.pfn];
    return seed_grants() && make_port(&b.d->console_port);
}

/* ---- ready to run ---- */

static bool pin(void)
{
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = b.p2m[b.d->plan.tables.pfn] };

    return ok("pinning its L4", mmuext_op(&op, 1, NULL, b.d->domid));
}

static bool set_registers(void)
{
    static struct vcpu_guest_context context;
    struct plan_registers r = plan_registers(&b.d->plan);
    struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpucontext,
                             .domain = b.d->domid,
                             .u.vcpucontext.ctxt = (u64)&context };

    context = (struct vcpu_guest_context){
        .flags = VGCF_IN_KERNEL | VGCF_online,
        .user_regs = { .rip = r.rip,
                       .rsp = r.rsp,
                       .rsi = r.rsi,
                       .rflags = r.rflags,
                       .cs = r.cs,
                       .ss = r.ss },
        .kernel_ss = r.ss,
        .kernel_sp = r.rsp,
        .ctrlreg[3] = b.p2m[b.d->plan.tables.pfn] << PAGE_SHIFT,
    };
    return ok("setvcpucontext", domctl(&op));
}

bool build_domain(const struct build_request *request, struct built_domain *d)
{
    *d = (struct built_domain){ .domid = 0 };
    b.request = request;
    b.d = d;
    if (!make_plan())
        return false;
    if (create() && set_limits() && populate() && prepare_shared_info() && prepare_rings() &&
        write_contents() && fill_hypercall_page() && pin() && set_registers())
        return true;
    if (d->domid)
        build_destroy(d->domid);
    d->domid = 0;
    return false;
}

s64 build_destroy(u16 domid)
{
    s64 rc;

    do
        rc = domctl_plain(XEN_DOMCTL_destroydomain, domid);
    while (rc == -XEN_EAGAIN);
    return rc;
}
