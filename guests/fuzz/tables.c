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
                   rnd_below(8) * rnd_once_in(4);
        u[i].val = some_entry();
    }
    mmu_update(u, n, rnd_once_in(4) ? NULL : &done,
               rnd_once_in(16) ? some_domid() | some_domid() << 16 : DOMID_SELF);
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
        pool_clear(at[l]);
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
    u64 stands = 0;
    probe_read64((u64)(l4 + 511), &stands);
    if (rnd_once_in(2) || (fuzzer(1)->state && !rnd_once_in(8))) { /* another vCPU may spoil them */
        mmuext_one(MMUEXT_NEW_USER_BASEPTR, pool.mfn[i]);
    } else if (((stands ^ own[511]) & PTE_ADDRESS) == 0 && switch_l4(pool.mfn[i]) == 0) {
        for (u64 n = rnd_below(4); n; n--)
            step_tables();
        switch_l4(own_mfn);
    }
}

/* Several operations in one call, so that later ones meet what the earlier left: pins of a page at two levels, unpins, clears, copies. */
static void ext_batch(void)
{
    struct mmuext_op ops[16];
    u64 n = 1 + rnd_below(ARRAY_SIZE(ops)), page = pool_below();
    u32 done;

    for (u64 i = 0; i < n; i++) {
        static const u8 cmds[] = { 0, 1, 2, 3, 4, 4, 4, 16, 17, 15, 6, 10 };
        if (rnd_once_in(4))
            page = pool_below();
        ops[i].cmd = cmds[rnd_below(ARRAY_SIZE(cmds))];
        ops[i].arg1.mfn = pool.mfn[page];
        ops[i].arg2.src_mfn = pool.mfn[pool_below()];
    }
    mmuext_op(ops, n, &done, DOMID_SELF);
}

/* Linear entries: a table that names itself or another one of its level. */
static void linear(void)
{
    u64 a = pool_below(), b = rnd_once_in(2) ? a : pool_below();
    u64 slot = rnd_once_in(2) ? 272 + rnd_below(4) : rnd_below(8);
    u64 flags = rnd_once_in(8) ? PTE_TABLE : PTE_RO_PAGE;

    if (rnd_once_in(2))
        mmu_update_one(pool.mfn[a] << PAGE_SHIFT | slot * 8, pte_make(pool.mfn[b], flags));
    else
        pool_store(a, slot, pte_make(pool.mfn[b], flags));
}

/* A frame of the shared kind: mapped, pinned, cleared, named by tables. */
static void shared_frame(void)
{
    u64 mfn = start_info->shared_info >> PAGE_SHIFT;

    switch (rnd_below(4)) {
    case 0:
        mmuext_one(rnd_below(5), mfn);
        break;
    case 1:
        update_va_mapping(POOL_VA + pool_below() * PAGE_SIZE,
                          pte_make(mfn, rnd_once_in(2) ? PTE_RW_PAGE : PTE_RO_PAGE), UVMF_INVLPG);
        break;
    case 2:
        mmu_update_one(pool.mfn[pool_below()] << PAGE_SHIFT | rnd_below(512) * 8,
                       pte_make(mfn, PTE_TABLE));
        break;
    default:
        mmu_update_one(mfn << PAGE_SHIFT | (0xc30 + rnd_below(16) * 8), rnd());
        break;
    }
}

void step_tables(void)
{
    static void (*const steps[])(void) = {
        store,         store,     store,     store_odd, remap,  remap,        remap_wild,
        update,        update,    pin,       pin,       pin,    build_tree,   build_tree,
        switch_tables, ext_batch, ext_batch, linear,    linear, shared_frame,
    };

    steps[rnd_below(ARRAY_SIZE(steps))]();
}
