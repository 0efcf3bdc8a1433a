/*
 * domctl, call by call, on a domain that doesn't run: what each answers, and what it refuses.
 */
#include "build.h"
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

static struct handmade h = { .code = handmade_count };

static struct xen_domctl on(u32 cmd)
{
    return (struct xen_domctl){ .cmd = cmd, .domain = h.domid };
}

static struct xen_domctl_getdomaininfo info(void)
{
    struct xen_domctl op = on(XEN_DOMCTL_getdomaininfo);

    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(op.domain, h.domid);
    return op.u.getdomaininfo;
}

static void check_fresh(void)
{
    struct xen_domctl_getdomaininfo i = info();

    CHECK_EQ(i.flags & 0xffef, XEN_DOMINF_paused); /* blocked or not: it has never run */
    CHECK_EQ(i.tot_pages, 0);
    CHECK_EQ(i.nr_online_vcpus, 0);
    CHECK_EQ(i.cpu_time, 0);
    CHECK(i.shared_info_frame != 0);
}

static void check_pauses(void)
{
    CHECK_RC(domctl_plain(XEN_DOMCTL_pausedomain, h.domid), 0);
    CHECK_RC(domctl_plain(XEN_DOMCTL_pausedomain, h.domid), 0);
    CHECK_RC(domctl_plain(XEN_DOMCTL_unpausedomain, h.domid), 0);
    CHECK_RC(domctl_plain(XEN_DOMCTL_unpausedomain, h.domid), 0);
    CHECK(info().flags & XEN_DOMINF_paused); /* once from its making */
    CHECK_RC(domctl_plain(XEN_DOMCTL_unpausedomain, h.domid), 0);
    CHECK(!(info().flags & XEN_DOMINF_paused));
    CHECK_RC(domctl_plain(XEN_DOMCTL_unpausedomain, h.domid), -XEN_EINVAL);
    CHECK_RC(domctl_plain(XEN_DOMCTL_pausedomain, h.domid), 0);
}

static void check_small_calls(void)
{
    struct xen_domctl op = on(XEN_DOMCTL_setdomainhandle);

    memset(op.u.setdomainhandle.handle, 0x5a, sizeof(op.u.setdomainhandle.handle));
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(info().handle[15], 0x5a);
    op = on(XEN_DOMCTL_max_vcpus);
    op.u.max_vcpus.max = 2; /* createdomain was told 1 */
    CHECK_RC(domctl(&op), -XEN_EINVAL);
    op = on(XEN_DOMCTL_get_address_size);
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(op.u.address_size.size, 64);
    op.cmd = XEN_DOMCTL_set_address_size;
    CHECK_RC(domctl(&op), 0);
    op.u.address_size.size = 48;
    CHECK_RC(domctl(&op), -XEN_EINVAL);
    op = on(XEN_DOMCTL_settimeoffset);
    op.u.settimeoffset.time_offset_seconds = 3600;
    CHECK_RC(domctl(&op), 0);
}

static void check_memory(void)
{
    struct xen_domctl op = on(XEN_DOMCTL_getpageframeinfo3);
    u64 frames[3] = { h.mfn[HANDMADE_L4], h.mfn[HANDMADE_DATA], ptr_mfn(&test_result) };

    CHECK_EQ(info().tot_pages, HANDMADE_PAGES);
    CHECK_EQ(info().max_pages, HANDMADE_PAGES);
    op.u.getpageframeinfo3.num = ARRAY_SIZE(frames);
    op.u.getpageframeinfo3.array = (u64)frames;
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(frames[0], XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB);
    CHECK_EQ(frames[1], XEN_DOMCTL_PFINFO_NOTAB);
    CHECK_EQ(frames[2], XEN_DOMCTL_PFINFO_XTAB); /* not its own */
    op = on(XEN_DOMCTL_hypercall_init);
    op.u.hypercall_init.gmfn = h.mfn[HANDMADE_DATA];
    CHECK_RC(domctl(&op), 0);
    op.u.hypercall_init.gmfn = h.mfn[HANDMADE_L1]; /* a page table */
    CHECK_REFUSED(domctl(&op));
    op.u.hypercall_init.gmfn = ptr_mfn(&h); /* not its own */
    CHECK_REFUSED(domctl(&op));
}

/* The stubs are code that ends in `syscall`, and in slot 17 the number is 17. */
static void check_hypercall_page(void)
{
    const u8 *page = foreign_keep(0, h.domid, h.mfn[HANDMADE_DATA]);
    bool found = false;

    CHECK(page);
    for (int i = 0; i < 28; i++) {
        const u8 *at = page + 17 * KOAN_HYPERCALL_PAGE_SLOT + i;
        found |= at[0] == 0xb8 && at[1] == 17 && at[2] == 0 && at[3] == 0 && at[4] == 0;
    }
    foreign_drop(0);
    CHECK(found);
}

static void check_contexts(void)
{
    static struct vcpu_guest_context context;
    struct xen_domctl op = on(XEN_DOMCTL_getvcpucontext);

    op.u.vcpucontext.ctxt = (u64)&context;
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(context.user_regs.rip, HANDMADE_VA);
    CHECK_EQ(context.user_regs.rdi, HANDMADE_VA + HANDMADE_DATA * PAGE_SIZE);
    CHECK_EQ(context.ctrlreg[3], h.mfn[HANDMADE_L4] << PAGE_SHIFT);
    CHECK(context.flags & VGCF_IN_KERNEL);
    op.cmd = XEN_DOMCTL_setvcpucontext;
    CHECK_RC(domctl(&op), 0); /* as it was */
    context.ctrlreg[3] = h.mfn[HANDMADE_DATA] << PAGE_SHIFT;
    CHECK_REFUSED(domctl(&op));
    context.ctrlreg[3] = h.mfn[HANDMADE_L4] << PAGE_SHIFT;
    context.gdt_ents = 9000;
    CHECK_RC(domctl(&op), -XEN_EINVAL);
    context.gdt_ents = 0;
    CHECK_RC(domctl(&op), 0);
    op.u.vcpucontext.ctxt = 0x123456789000;
    CHECK_RC(domctl(&op), -XEN_EFAULT);
    op.u.vcpucontext.vcpu = 1;
    CHECK_RC(domctl(&op), -XEN_EINVAL);
    op = on(XEN_DOMCTL_getvcpuinfo);
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(op.u.getvcpuinfo.online, 1);
    CHECK_EQ(op.u.getvcpuinfo.running, 0);
    op.u.getvcpuinfo.vcpu = 1;
    CHECK_REFUSED(domctl(&op));
}

static void check_affinity(void)
{
    struct xen_domctl op = on(XEN_DOMCTL_getvcpuaffinity);
    u64 map = 0;

    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap_hard = (struct xenctl_bitmap){ (u64)&map, 64 };
    CHECK_RC(domctl(&op), 0);
    CHECK(map & 1);
    op.cmd = XEN_DOMCTL_setvcpuaffinity;
    map = 1;
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(map, 1);
    map = 0; /* nowhere */
    CHECK_RC(domctl(&op), -XEN_EINVAL);
    op.u.vcpuaffinity.flags = 0;
    CHECK_RC(domctl(&op), -XEN_EINVAL);

    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_SOFT; /* a wish: none is one, too */
    op.u.vcpuaffinity.cpumap_soft = (struct xenctl_bitmap){ (u64)&map, 64 };
    map = 0;
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(map, 0);
    map = 1UL << 60 | 1;
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(map, 1); /* what of it there is */
    op.cmd = XEN_DOMCTL_getvcpuaffinity;
    map = 0;
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(map, 1);

    op = on(XEN_DOMCTL_getnodeaffinity);
    op.u.nodeaffinity.nodemap = (struct xenctl_bitmap){ (u64)&map, 64 };
    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(map, 1);
    op.cmd = XEN_DOMCTL_setnodeaffinity;
    CHECK_RC(domctl(&op), 0);
}

static s64 scheduler(u32 id, u32 cmd, struct xen_domctl_sched_credit *params)
{
    struct xen_domctl op = on(XEN_DOMCTL_scheduler_op);

    op.u.scheduler_op.sched_id = id;
    op.u.scheduler_op.cmd = cmd;
    op.u.scheduler_op.u.credit = *params;
    s64 rc = domctl(&op);
    *params = op.u.scheduler_op.u.credit;
    return rc;
}

/* Weight and cap stand in the same places for credit and credit2, which is what Xen runs. */
static void check_scheduler(void)
{
    struct xen_sysctl which = { .cmd = XEN_SYSCTL_sched_id };
    struct xen_domctl_sched_credit params = { .weight = 768, .cap = 40 };

    CHECK_RC(sysctl(&which), 0);
    u32 id = which.u.sched_id.sched_id;
    CHECK_RC(scheduler(id, XEN_DOMCTL_SCHEDOP_putinfo, &params), 0);
    params = (struct xen_domctl_sched_credit){ 0 };
    CHECK_RC(scheduler(id, XEN_DOMCTL_SCHEDOP_getinfo, &params), 0);
    CHECK_EQ(params.weight, 768);
    CHECK_EQ(params.cap, 40);

    params = (struct xen_domctl_sched_credit){ .weight = 0, .cap = 40 }; /* the weight as it is */
    CHECK_RC(scheduler(id, XEN_DOMCTL_SCHEDOP_putinfo, &params), 0);
    CHECK_RC(scheduler(id, XEN_DOMCTL_SCHEDOP_getinfo, &params), 0);
    CHECK_EQ(params.weight, 768);
    params = (struct xen_domctl_sched_credit){ .weight = 256, .cap = 0 }; /* no cap any more */
    CHECK_RC(scheduler(id, XEN_DOMCTL_SCHEDOP_putinfo, &params), 0);
    CHECK_RC(scheduler(id, XEN_DOMCTL_SCHEDOP_getinfo, &params), 0);
    CHECK_EQ(params.weight, 256);
    CHECK_EQ(params.cap, 0);

    CHECK_RC(scheduler(id + 1, XEN_DOMCTL_SCHEDOP_getinfo, &params), -XEN_EINVAL);
    CHECK_RC(scheduler(id, 4, &params), -XEN_EINVAL);
}

static void check_itself(u16 self)
{
    h.domid = self;
    CHECK_RC(domctl_plain(XEN_DOMCTL_destroydomain, self), -XEN_EINVAL);
    CHECK_RC(domctl_plain(XEN_DOMCTL_pausedomain, self), -XEN_EINVAL);
    struct xen_domctl op = on(XEN_DOMCTL_setvcpucontext);
    CHECK_RC(domctl(&op), -XEN_EINVAL);
}

TEST
{
    struct xen_domctl op;
    char self[8];

    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    foreign_init();
    h.code_size = handmade_count_size;
    CHECK_RC(handmade_make(&h, STAGE_CREATED), 0);
    check_fresh();
    check_pauses();
    CHECK_RC(build_destroy(h.domid), 0);
    h.domid = 0;
    CHECK_RC(handmade_make(&h, STAGE_LIMITED), 0);
    op = on(XEN_DOMCTL_getvcpucontext);
    CHECK_RC(domctl(&op), -XEN_ENODATA);
    CHECK_RC(build_destroy(h.domid), 0);
    h.domid = 0;
    CHECK_RC(handmade_make(&h, STAGE_READY), 0);
    check_small_calls();
    check_memory();
    check_hypercall_page();
    check_contexts();
    check_affinity();
    check_scheduler();
    op = on(999);
    CHECK_REFUSED(domctl(&op));
    CHECK_RC(build_destroy(h.domid), 0);
    SETUP(cmdline_value("domid", self, sizeof(self)));
    check_itself((u16)(self[0] - '0'));
}
