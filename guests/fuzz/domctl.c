/*
 * A toolstack gone mad: domains made half, changed in any order, run, mapped, and destroyed in the middle; domctl and sysctl with
 * arguments that are almost right. Without privileges all of it is refused.
 *
 * The domains are its own few. Another's would be its right, too, but a fuzz guest that destroys its neighbours has soon nobody to play with. Its
 * vCPUs share them: each works on a copy of what is known of one, while the other may end it.
 */
#include "abi/platform.h"
#include "build.h"
#include "domctl.h"
#include "foreign.h"
#include "fuzz.h"
#include "handmade.h"

#define CHILDREN 3

static struct handmade children[CHILDREN]; /* domid 0: none; it is changed by exchanging it */
static struct handmade making
    [FUZZ_VCPUS]; /* the one that a vCPU is at, or that it had to leave when a trap ended the step */

/* mov ecx, 0x100000; 1: inc qword [rdi]; loop 1b; then as handmade_shutdown: should its maker crash, it ends by itself. */
static const u8 count_and_end[] = { 0xb9, 0,    0,  0x10, 0, 0x48, 0xff, 0x07, 0xe2,
                                    0xfb, 0xb8, 29, 0,    0, 0,    0x48, 0x89, 0xfe,
                                    0xbf, 2,    0,  0,    0, 0x0f, 0x05, 0xeb, 0xfe };

static u64 some_child_frame(const struct handmade *h)
{
    return rnd_once_in(8) ? some_mfn() : h->mfn[rnd_below(HANDMADE_PAGES)];
}

/* ---- makings and ends ---- */

static void make(struct handmade *place)
{
    struct handmade *h = &making[vcpu_id()];
    u16 none = 0;

    if (h->domid)
        build_destroy(h->domid);
    *h = (struct handmade){ .code = count_and_end, .code_size = sizeof(count_and_end) };
    handmade_make(h, (enum handmade_stage)rnd_below(STAGES));
    memcpy(place->mfn, h->mfn, sizeof(h->mfn));
    if (__atomic_compare_exchange_n(&place->domid, &none, h->domid, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
        h->domid = 0; /* else another vCPU was faster */
}

static void destroy(struct handmade *place)
{
    u16 domid = __atomic_exchange_n(&place->domid, 0, __ATOMIC_SEQ_CST);

    if (domid)
        build_destroy(domid);
}

/* ---- calls on one of them ---- */

/* Where an answer may be written: not to the guest's own data or stack. */
static u64 bad_pointer(void)
{
    static const u64 others[] = { 0x123456789000, 0x0000800000000000, HYPERVISOR_VIRT_START,
                                  HYPERVISOR_VIRT_END - 16, ~0UL - 7 };

    return rnd_once_in(2) ? (u64)pool.va[pool_below()] : others[rnd_below(ARRAY_SIZE(others))];
}

static u64 some_pointer(void)
{
    static u64 room[1024];

    return rnd_once_in(8) ? bad_pointer() : (u64)room;
}

static void fill_bitmap(struct xenctl_bitmap *map)
{
    static u64 bits[1024]; /* what is beyond the machine's CPUs is cleared, up to a page */

    bits[0] = rnd_once_in(2) ? 1 + rnd_below(15) : some_word();
    *map = (struct xenctl_bitmap){ rnd_once_in(8) ? bad_pointer() : (u64)bits,
                                   rnd_once_in(8) ? (u32)some_word() : 64 };
}

static void fill_context(struct xen_domctl_vcpucontext *args, const struct handmade *h)
{
    static struct vcpu_guest_context context;

    args->vcpu = rnd_once_in(8) ? (u32)some_word() : 0;
    args->ctxt = rnd_once_in(16) ? bad_pointer() : (u64)&context;
    for (int i = 0; i < 4; i++)
        ((u64 *)&context)[rnd_below(sizeof(context) / 8)] = rnd_once_in(2) ? 0 : some_word();
    context.flags = rnd_once_in(4) ? some_word() : VGCF_IN_KERNEL | VGCF_online;
    context.ctrlreg[3] = (rnd_once_in(3) ? some_child_frame(h) : h->mfn[HANDMADE_L4]) << PAGE_SHIFT;
    context.ctrlreg[1] = rnd_once_in(4) ? some_child_frame(h) << PAGE_SHIFT : 0;
    context.gdt_frames[0] = some_child_frame(h);
    context.gdt_ents = rnd_once_in(2) ? 0 : rnd_below(600);
    context.ldt_ents = 0;
    if (rnd_once_in(2))
        context.user_regs.rip = HANDMADE_VA;
}

static void fill(struct xen_domctl *op, const struct handmade *h)
{
    switch (op->cmd) {
    case XEN_DOMCTL_setvcpuaffinity:
    case XEN_DOMCTL_getvcpuaffinity:
        op->u.vcpuaffinity.flags = (u32)rnd_below(8);
        fill_bitmap(&op->u.vcpuaffinity.cpumap_hard);
        fill_bitmap(&op->u.vcpuaffinity.cpumap_soft);
        break;
    case XEN_DOMCTL_setnodeaffinity:
    case XEN_DOMCTL_getnodeaffinity:
        fill_bitmap(&op->u.nodeaffinity.nodemap);
        break;
    case XEN_DOMCTL_setvcpucontext:
    case XEN_DOMCTL_getvcpucontext:
        fill_context(&op->u.vcpucontext, h);
        break;
    case XEN_DOMCTL_max_mem:
        op->u.max_mem.max_memkb = rnd_once_in(4) ? some_word() : rnd_below(64);
        break;
    case XEN_DOMCTL_hypercall_init:
        op->u.hypercall_init.gmfn = some_child_frame(h);
        break;
    case XEN_DOMCTL_getpageframeinfo3:
        op->u.getpageframeinfo3.num = rnd_once_in(8) ? some_word() : rnd_below(1024);
        op->u.getpageframeinfo3.array = some_pointer();
        break;
    default:
        for (u64 i = 0; i < 3; i++)
            ((u64 *)&op->u)[i] = rnd_once_in(2) ? rnd_below(4) : some_word();
    }
}

static void any_domctl(struct handmade *h)
{
    static const u8 commands[] = { 3,  3,  4,  4,  4,  5,  9,  11, 11, 12, 12, 12, 13, 14, 15,
                                   16, 17, 22, 24, 25, 35, 36, 60, 61, 68, 69, 82, 83, 6,  40 };
    struct xen_domctl op = { .cmd = commands[rnd_below(ARRAY_SIZE(commands))], .domain = h->domid };

    if (rnd_once_in(16))
        op.domain = (u16)(0x7000 + rnd_below(0x1000)); /* nobody, or an id with a meaning */
    fill(&op, h);
    domctl(&op);
}

/* Domains by a configuration that may be any. One that comes of it goes at once. */
static void any_createdomain(void)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain };
    u32 *words = (u32 *)&op.u.createdomain;

    op.domain = rnd_once_in(2) ? 0 : (domid_t)some_word();
    op.u.createdomain = (struct xen_domctl_createdomain){
        .max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = 4, .max_maptrack_frames = 4
    };
    for (u64 n = rnd_below(3); n; n--)
        words[rnd_below(sizeof(op.u.createdomain) / sizeof(*words))] =
            rnd_once_in(2) ? (u32)rnd_below(4) : (u32)some_word();
    if (domctl(&op) == 0)
        build_destroy(op.domain);
}

/* The end of nobody, or of an id with a meaning. */
static void any_destroydomain(void)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_destroydomain,
                             .domain = (domid_t)(0x7000 + rnd_below(0x9000)) };

    domctl(&op);
}

/* Its memory, in the midst of whatever it does. */
static void memory(struct handmade *h)
{
    static u64 list[HANDMADE_PAGES];
    struct xen_memory_reservation r = { .extent_start = (u64)list,
                                        .nr_extents = 1 + rnd_below(HANDMADE_PAGES),
                                        .domid = h->domid };
    struct mmuext_op op = { .cmd = (u32)rnd_below(5), .arg1.mfn = some_child_frame(h) };

    switch (rnd_below(4)) {
    case 0:
        for (u64 i = 0; i < HANDMADE_PAGES; i++)
            list[i] = some_child_frame(h);
        memory_op(rnd_once_in(2) ? XENMEM_decrease_reservation : XENMEM_populate_physmap, &r);
        break;
    case 1:
        if (foreign_keep((unsigned int)rnd_below(4), h->domid, some_child_frame(h)) &&
            rnd_once_in(2))
            probe_write64(0x0000000060200000UL + rnd_below(4) * PAGE_SIZE + rnd_below(512) * 8,
                          pte_make(some_child_frame(h), PTE_RW_PAGE));
        break;
    case 2:
        foreign_drop((unsigned int)rnd_below(4));
        break;
    default:
        mmuext_op(&op, 1, NULL, h->domid);
    }
}

static void any_sysctl(void)
{
    struct xen_sysctl op = { .cmd = (u32)rnd_below(32) };

    for (u64 i = 0; i < 4; i++)
        ((u64 *)&op.u)[i] = rnd_once_in(2) ? some_pointer() : some_word();
    if (op.cmd == XEN_SYSCTL_readconsole)
        op.u.readconsole.clear = 0; /* the other guests' lines are wanted */
    sysctl(&op);
}

static void any_platform_op(void)
{
    struct xen_platform_op op = { .cmd = rnd_once_in(2) ? XENPF_settime64 : (u32)rnd_below(70),
                                  .interface_version = XENPF_INTERFACE_VERSION };

    for (u64 i = 0; i < 3; i++)
        ((u64 *)&op.u)[i] = rnd_below(0x70000000);
    hypercall(__HYPERVISOR_platform_op, rnd_once_in(16) ? some_va() : (u64)&op, 0, 0, 0, 0);
}

void step_domctl(void)
{
    struct handmade *place = &children[rnd_below(CHILDREN)], h = *place;

    if (!h.domid || !guest_is_privileged()) {
        make(place);
    } else if (rnd_once_in(12)) {
        destroy(place);
    } else {
        for (u64 n = rnd_below(4); n; n--)
            any_domctl(&h);
        memory(&h);
    }
    if (rnd_once_in(8))
        any_createdomain();
    if (rnd_once_in(8))
        any_destroydomain();
    if (rnd_once_in(4))
        any_sysctl();
    if (rnd_once_in(16))
        any_platform_op();
}

void domctl_fuzz_init(void)
{
    foreign_init();
}

/* A child that runs for ever would keep the machine from its end. */
void domctl_fuzz_end(void)
{
    for (u64 i = 0; i < CHILDREN; i++)
        destroy(&children[i]);
    for (u64 i = 0; i < FUZZ_VCPUS; i++)
        destroy(&making[i]);
}
