/*
 * A toolstack that does things in the wrong order, with the wrong frames, or half: refused or harmless, and never the hypervisor's end.
 *
 * Each domain made here is destroyed in whatever state that left it; afterwards the hypervisor's frame table must add up.
 */
#include "build.h"
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

static struct handmade h;
static struct vcpu_guest_context context;

static void fresh(enum handmade_stage last)
{
    h = (struct handmade){ .code = handmade_count, .code_size = handmade_count_size };
    CHECK_RC(handmade_make(&h, last), 0);
}

static void done(void)
{
    CHECK_RC(build_destroy(h.domid), 0);
}

static s64 set_context(u64 l4)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpucontext,
                             .domain = h.domid,
                             .u.vcpucontext.ctxt = (u64)&context };

    context.flags = VGCF_IN_KERNEL | VGCF_online;
    context.ctrlreg[3] = l4 << PAGE_SHIFT;
    return domctl(&op);
}

static s64 pin(u64 mfn)
{
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfn };

    return mmuext_op(&op, 1, NULL, h.domid);
}

/* A vCPU without registers, page tables, frames: it must not run. */
static void check_too_early(void)
{
    fresh(STAGE_CREATED);
    CHECK_RC(domctl_plain(XEN_DOMCTL_unpausedomain, h.domid), 0);
    yield();
    CHECK_REFUSED(set_context(ptr_mfn(&h)));
    done();
    fresh(STAGE_WRITTEN);
    CHECK_RC(domctl_plain(XEN_DOMCTL_unpausedomain, h.domid), 0);
    yield();
    done();
}

/* Tables that are none, or somebody else's. */
static void check_wrong_frames(void)
{
    fresh(STAGE_WRITTEN);
    CHECK_REFUSED(pin(current_l4()));
    CHECK_REFUSED(pin(~0UL >> PAGE_SHIFT));
    const u64 garbage = ~0UL;
    foreign_open(h.domid, h.mfn, HANDMADE_PAGES);
    CHECK(foreign_write(HANDMADE_STACK * PAGE_SIZE, &garbage, sizeof(garbage)));
    foreign_close();
    CHECK_REFUSED(set_context(h.mfn[HANDMADE_STACK]));
    CHECK_REFUSED(set_context(current_l4()));
    CHECK_REFUSED(set_context(0));
    foreign_open(h.domid, h.mfn, HANDMADE_PAGES);
    u64 *l3 = foreign_page(HANDMADE_L3);
    CHECK(l3);
    l3[5] = pte_make(current_l4(), PTE_TABLE); /* a table of this domain's in the other's tree */
    CHECK_REFUSED(pin(h.mfn[HANDMADE_L4]));    /* it is mapped writable, besides */
    foreign_close();
    CHECK_REFUSED(pin(h.mfn[HANDMADE_L4]));
    done();
}

/* Page tables are mapped writable by nobody, a toolstack included; and while it runs, its memory goes. */
static void check_running(void)
{
    fresh(STAGE_RUNNING);
    CHECK(!foreign_keep(0, h.domid, h.mfn[HANDMADE_L1]));
    struct xen_memory_reservation r = { .extent_start = (u64)h.mfn,
                                        .nr_extents = HANDMADE_PAGES,
                                        .domid = h.domid };
    memory_op(XENMEM_decrease_reservation, &r);
    yield();
    CHECK_REFUSED(set_context(ptr_mfn(&h)));
    yield();
    done();
}

/* A frame that is still mapped here outlives its domain, and can be let go later. */
static void check_mapped_at_the_end(void)
{
    fresh(STAGE_RUNNING);
    volatile u64 *data = foreign_keep(0, h.domid, h.mfn[HANDMADE_DATA]);
    CHECK(data);
    u64 seen = *data;
    while (*data == seen)
        yield();
    done();
    seen = *data;
    yield();
    CHECK_EQ(*data, seen); /* nobody counts any more */
    foreign_drop(0);
}

static void check_nonsense(void)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain };

    CHECK_REFUSED(domctl(&op)); /* no vCPUs */
    op.u.createdomain.max_vcpus = 100000;
    CHECK_REFUSED(domctl(&op));
    op.u.createdomain.max_vcpus = 1;
    op.u.createdomain.flags = ~0U;
    CHECK_REFUSED(domctl(&op));
    fresh(STAGE_LIMITED);
    op = (struct xen_domctl){ .cmd = XEN_DOMCTL_createdomain, .domain = h.domid };
    op.u.createdomain = (struct xen_domctl_createdomain){
        .max_vcpus = 1, .max_grant_frames = -1, .max_maptrack_frames = -1, .grant_opts = 1
    };
    CHECK_RC(domctl(&op), -XEN_EEXIST);
    op = (struct xen_domctl){ .cmd = XEN_DOMCTL_getpageframeinfo3, .domain = h.domid };
    op.u.getpageframeinfo3.num = ~0UL;
    CHECK_REFUSED(domctl(&op));
    op = (struct xen_domctl){ .cmd = XEN_DOMCTL_setvcpuaffinity, .domain = h.domid };
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap_hard = (struct xenctl_bitmap){ HYPERVISOR_VIRT_START, ~0U };
    CHECK_REFUSED(domctl(&op));
    done();
}

TEST
{
    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    foreign_init();
    check_too_early();
    check_wrong_frames();
    check_running();
    check_mapped_at_the_end();
    check_nonsense();
}
