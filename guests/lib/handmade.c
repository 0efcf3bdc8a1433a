/*
 * Domains made by hand, see handmade.h.
 */
#include "handmade.h"
#include "build.h"
#include "domctl.h"
#include "foreign.h"
#include "memory.h"

/* mov eax, sched_op; mov rsi, rdi; mov edi, SCHEDOP_shutdown; syscall; jmp $ */
const u8 handmade_shutdown[] = { 0xb8, __HYPERVISOR_sched_op, 0, 0, 0, 0x48, 0x89, 0xfe,
                                 0xbf, SCHEDOP_shutdown,      0, 0, 0, 0x0f, 0x05, 0xeb,
                                 0xfe };
const size_t handmade_shutdown_size = sizeof(handmade_shutdown);

/* inc qword [rdi]; jmp back */
const u8 handmade_count[] = { 0x48, 0xff, 0x07, 0xeb, 0xfb };
const size_t handmade_count_size = sizeof(handmade_count);

/* mov eax, sched_op; mov edi, SCHEDOP_block; syscall; jmp back */
const u8 handmade_sleep[] = {
    0xb8, __HYPERVISOR_sched_op, 0, 0, 0, 0xbf, SCHEDOP_block, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf2
};
const size_t handmade_sleep_size = sizeof(handmade_sleep);

static s64 create(struct handmade *h)
{
    return build_create(&h->domid, 1);
}

static s64 limit(struct handmade *h)
{
    struct xen_domctl vcpus = { .cmd = XEN_DOMCTL_max_vcpus,
                                .domain = h->domid,
                                .u.max_vcpus.max = 1 };
    struct xen_domctl memory = { .cmd = XEN_DOMCTL_max_mem,
                                 .domain = h->domid,
                                 .u.max_mem.max_memkb = HANDMADE_PAGES * 4 };
    s64 rc = domctl(&vcpus);

    return rc ? rc : domctl(&memory);
}

static s64 populate(struct handmade *h)
{
    struct xen_memory_reservation r = {
        .extent_start = (u64)h->mfn,
        .nr_extents = HANDMADE_PAGES,
        .domid = h->domid,
    };

    for (u64 i = 0; i < HANDMADE_PAGES; i++)
        h->mfn[i] = i;
    s64 done = memory_op(XENMEM_populate_physmap, &r);
    return done == HANDMADE_PAGES ? 0 : done < 0 ? done : -XEN_ENOMEM;
}

static s64 write_tables(struct handmade *h)
{
    for (int level = 4; level >= 1; level--) {
        u64 *table = foreign_page((u64)(HANDMADE_L1 + level - 1));
        u64 slot = HANDMADE_VA >> (PAGE_SHIFT + 9 * (level - 1)) & 511;

        if (!table)
            return -XEN_EINVAL;
        if (level > 1)
            table[slot] = pte_make(h->mfn[HANDMADE_L1 + level - 2], PTE_TABLE);
        for (u64 i = 0; level == 1 && i <= HANDMADE_STACK; i++)
            table[slot + i] = pte_make(h->mfn[i], PTE_RW_PAGE);
    }
    return 0;
}

static s64 write_contents(struct handmade *h)
{
    foreign_open(h->domid, h->mfn, HANDMADE_PAGES);
    s64 rc = foreign_write(0, h->code, h->code_size) ? write_tables(h) : -XEN_EINVAL;
    foreign_close();
    return rc;
}

static s64 pin(struct handmade *h)
{
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = h->mfn[HANDMADE_L4] };

    return mmuext_op(&op, 1, NULL, h->domid);
}

static s64 set_registers(struct handmade *h)
{
    u64 top = HANDMADE_VA + (HANDMADE_STACK + 1) * PAGE_SIZE;
    struct vcpu_guest_context context = {
        .flags = VGCF_IN_KERNEL | VGCF_online,
        .user_regs = { .rip = HANDMADE_VA,
                       .rdi = HANDMADE_VA + HANDMADE_DATA * PAGE_SIZE,
                       .rsp = top,
                       .rflags = 0x202,
                       .cs = FLAT_KERNEL_CS,
                       .ss = FLAT_KERNEL_SS },
        .kernel_ss = FLAT_KERNEL_SS,
        .kernel_sp = top,
        .ctrlreg[3] = h->mfn[HANDMADE_L4] << PAGE_SHIFT,
    };
    struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpucontext,
                             .domain = h->domid,
                             .u.vcpucontext.ctxt = (u64)&context };
    return domctl(&op);
}

static s64 unpause(struct handmade *h)
{
    return domctl_plain(XEN_DOMCTL_unpausedomain, h->domid);
}

s64 handmade_make(struct handmade *h, enum handmade_stage last)
{
    static s64 (*const stages[STAGES])(struct handmade * h) = {
        [STAGE_CREATED] = create,  [STAGE_LIMITED] = limit,          [STAGE_POPULATED] = populate,
        [STAGE_PINNED] = pin,      [STAGE_WRITTEN] = write_contents, [STAGE_READY] = set_registers,
        [STAGE_RUNNING] = unpause,
    };
    s64 rc = 0;

    for (enum handmade_stage s = STAGE_CREATED; s <= last && !rc; s++)
        rc = stages[s](h);
    return rc;
}
