/*
 * Random play with page tables: stores, remappings, whole trees, pins, base pointers.
 */
#include "fuzz.h"

/* A store as a kernel makes it: plain, refused with a fault, or emulated, depending on what the page is now. */
static void store(void)
{
    u64 at =
        rnd_once_in(2) ? (u64)some_slot() : POOL_VA + pool_below() * PAGE_SIZE + rnd_below(512) * 8;

    probe_write64(at, some_entry());
}

static void store_odd(void)
{
    u8 *at = (u8 *)some_slot() + rnd_below(8);
    u64 value = some_entry();

    switch (rnd_below(4)) {
    case 0:
        TRY_IO("movb %b0, (%1)", , "q"(value), "r"(at));
        break;
    case 1:
        TRY_IO("xchgq %0, (%1)", "+r"(value), "r"(at));
        break;
    case 2:
        TRY_IO("lock andq %0, (%1)", , "r"(value), "r"(at));
        break;
    default:
        TRY_IO("lock btrq %0, (%1)", , "r"(value & 63), "r"(at));
        break;
    }
}

/* Make a pool page writable, read-only or unmapped in the initial mapping. */
static void remap(void)
{
    u64 i = pool_below();
    static const u64 flags[] = { PTE_RW_PAGE, PTE_RO_PAGE, PTE_RO_PAGE, 0 };
    u64 f = flags[rnd_below(ARRAY_SIZE(flags))];

    update_va_mapping((u64)pool.va[i], f ? pte_make(pool.mfn[i], f) : 0, rnd_below(3));
}

static void remap_wild(void)
{
    update_va_mapping(POOL_VA + pool_below() * PAGE_SIZE, some_entry(),
                      rnd_once_in(4) ? some_word() : rnd_below(3));
}

static void update(void)
{
    struct mmu_update u[8];
    u32 done;
    u64 n = 1 + rnd_below(ARRAY_SIZE(u));

    for (u64 i = 0; i < n; i++) {
        u[i].ptr = (pool.mfn[pool_below()] << PAGE_SHIFT | rnd_below(512) * 8) +
                   rnd_below(4) * rnd_once_in(8);
        u[i].val = some_entry();
    }
    mmu_update(u, n, &done, DOMID_SELF);
}

static void pin(void)
{
    mmuext_one(rnd_below(5), rnd_once_in(16) ? some_mfn() : pool.mfn[pool_below()]);
}

/* A tree that is right as a rule: L4 at page a, L3, L2, L1 and leaves behind it, all read-only, then pinned. */
static void build_tree(void)
{
    u64 level = 2 + rnd_below(3), at[5];

    for (u64 l = 1; l <= level; l++) {
        at[l] = pool_below();
        update_va_mapping((u64)pool.va[at[l]], pte_make(pool.mfn[at[l]], PTE_RW_PAGE), UVMF_INVLPG);
        TRY_IO("rep stosq", , "D"(pool.va[at[l]]), "c"(512), "a"(0));
    }
    for (u64 l = 1; l <= level; l++) {
        for (u64 n = 1 + rnd_below(20); n; n--) {
            u64 child = l == 1 ? pool.mfn[pool_below()] : pool.mfn[at[l - 1]];
            u64 flags = l == 1 ? PTE_RO_PAGE : PTE_TABLE;
            probe_write64((u64)((u64 *)pool.va[at[l]] + rnd_below(512)), pte_make(child, flags));
        }
    }
    for (u64 l = 1; l <= level; l++)
        update_va_mapping((u64)pool.va[at[l]], pte_make(pool.mfn[at[l]], PTE_RO_PAGE), UVMF_INVLPG);
    mmuext_one(MMUEXT_PIN_L1_TABLE + level - 1, pool.mfn[at[level]]);
}

/* An L4 on which this guest can run: a copy of its own. */
static void switch_tables(void)
{
    const u64 *own = (const u64 *)start_info->pt_base;
    u64 i = pool_below(), own_mfn = ptr_mfn(own);
    u64 *l4 = (u64 *)pool.va[i];

    mmuext_one(MMUEXT_UNPIN_TABLE, pool.mfn[i]);
    update_va_mapping((u64)l4, pte_make(pool.mfn[i], PTE_RW_PAGE), UVMF_INVLPG);
    for (u64 slot = 0; slot < 512; slot++)
        probe_write64((u64)(l4 + slot), slot >= 256 && slot < 272 ? 0 : own[slot]);
    update_va_mapping((u64)l4, pte_make(pool.mfn[i], PTE_RO_PAGE), UVMF_INVLPG);
    if (rnd_once_in(2)) {
        mmuext_one(MMUEXT_NEW_USER_BASEPTR, pool.mfn[i]);
    } else if (switch_l4(pool.mfn[i]) == 0) {
        for (u64 n = rnd_below(4); n; n--)
            step_tables();
        switch_l4(own_mfn);
    }
}

/* Let a page go and fetch another one for its place. While something still refers to the old one it counts as the domain's, and there
 * is no other: then the place keeps it. */
static void swap_frame(void)
{
    u64 i = pool_below(), out = pool.mfn[i], in = va_pfn(pool.va[i]);
    struct xen_memory_reservation r = { .extent_start = (u64)&out,
                                        .nr_extents = 1,
                                        .domid = DOMID_SELF };

    if (rnd_once_in(2)) {
        update_va_mapping((u64)pool.va[i], 0, UVMF_INVLPG);
        update_va_mapping(POOL_VA + i * PAGE_SIZE, 0, UVMF_INVLPG);
    }
    if (memory_op(XENMEM_decrease_reservation, &r) != 1)
        return;
    r.extent_start = (u64)&in;
    if (memory_op(XENMEM_populate_physmap, &r) != 1)
        return;
    pool.mfn[i] = in;
    ((u64 *)start_info->mfn_list)[va_pfn(pool.va[i])] = in;
    update_va_mapping((u64)pool.va[i], pte_make(in, PTE_RW_PAGE), UVMF_INVLPG);
}

void step_tables(void)
{
    static void (*const steps[])(void) = { store,      store,      store_odd,     remap,     remap,
                                           remap_wild, update,     update,        pin,       pin,
                                           pin,        build_tree, switch_tables, swap_frame };

    steps[rnd_below(ARRAY_SIZE(steps))]();
}
