/*
 * Frames come and go: reservations, exchange, and the machine-to-physical table, with lists of frames in every state of use.
 */
#include "fuzz.h"

static u64 list[64], other[64];

static u64 listed_frame(void)
{
    if (rnd_once_in(32))
        return some_mfn();
    if (rnd_once_in(2))
        return pool.mfn[pool_below()];
    return pfn_mfn(start_info->nr_pages - 1 - rnd_below(256)); /* mapped nowhere */
}

static struct xen_memory_reservation reservation(void)
{
    struct xen_memory_reservation r = { .extent_start = (u64)list,
                                        .nr_extents = 1 + rnd_below(ARRAY_SIZE(list)),
                                        .domid = (u16)some_domid() };

    for (u64 i = 0; i < ARRAY_SIZE(list); i++)
        list[i] = listed_frame();
    if (rnd_once_in(8))
        r.extent_order = (u32)rnd_below(11);
    if (rnd_once_in(16))
        r.nr_extents = some_word();
    if (rnd_once_in(16))
        r.extent_start = some_va();
    if (rnd_once_in(4))
        r.nr_extents = 1;
    return r;
}

static void change(void)
{
    static const u8 commands[] = { XENMEM_increase_reservation, XENMEM_decrease_reservation,
                                   XENMEM_populate_physmap };
    struct xen_memory_reservation r = reservation();
    u64 command = commands[rnd_below(ARRAY_SIZE(commands))];

    if (rnd_once_in(16))
        command |= rnd_below(64) << 6; /* as if continued */
    if (r.extent_start == (u64)list && r.nr_extents > ARRAY_SIZE(list))
        command |= (r.nr_extents - 1) << 6;
    memory_op(command, &r);
}

static void exchange(void)
{
    struct xen_memory_exchange e = { 0 };

    e.in = reservation();
    e.out = e.in;
    if (rnd_once_in(4))
        e.out = reservation();
    for (u64 i = 0; i < ARRAY_SIZE(other); i++)
        other[i] = rnd_once_in(8) ? some_word() : start_info->nr_pages - 1 - rnd_below(256);
    e.out.extent_start = (u64)other;
    if (e.in.nr_extents > ARRAY_SIZE(list) >> e.in.extent_order)
        e.out.extent_order = e.in.extent_order;
    if (rnd_once_in(8))
        e.nr_exchanged = some_word();
    memory_op(XENMEM_exchange, &e);
}

/* Let a page of the pool go and fetch another one for its place. While something still refers to the old one it counts as the domain's; where
 * there is no other then, the place keeps it. */
static void swap_frame(void)
{
    u64 i = pool_below(), out = pool.mfn[i], in = va_pfn(pool.va[i]);
    struct xen_memory_reservation r = { .extent_start = (u64)&out,
                                        .nr_extents = 1,
                                        .domid = DOMID_SELF };

    if (rnd_once_in(2)) {
        pool_map(i, 0);
        update_va_mapping(POOL_VA + i * PAGE_SIZE, 0, UVMF_INVLPG);
    }
    memory_op(XENMEM_decrease_reservation, &r);
    r.extent_start = (u64)&in;
    if (memory_op(XENMEM_populate_physmap, &r) != 1)
        return;
    pool.mfn[i] = in;
    ((u64 *)start_info->mfn_list)[va_pfn(pool.va[i])] = in;
    pool_map(i, PTE_RW_PAGE);
    update_va_mapping(POOL_VA + i * PAGE_SIZE, pte_make(in, PTE_RO_PAGE), UVMF_INVLPG);
}

static void machphys(void)
{
    u64 mfn = rnd_once_in(4) ? some_mfn() : pool.mfn[pool_below()];
    struct mmu_update u = { mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE,
                            rnd_once_in(2) ? mfn_pfn(pool.mfn[0]) : some_word() };

    mmu_update(&u, 1, NULL, rnd_once_in(8) ? some_domid() | some_domid() << 16 : DOMID_SELF);
}

static void questions(void)
{
    u64 buffer[8];

    for (u64 i = 0; i < ARRAY_SIZE(buffer); i++)
        buffer[i] = rnd_once_in(2) ? some_word() : some_domid();
    memory_op(rnd_below(32), rnd_once_in(8) ? (void *)some_va() : buffer);
}

void step_memory(void)
{
    static void (*const steps[])(void) = { change,     exchange, swap_frame, swap_frame,
                                           swap_frame, machphys, questions };

    steps[rnd_below(ARRAY_SIZE(steps))]();
}
