/*
 * A tree of hundreds of tables, so that the hypervisor is interrupted while it validates or releases it, and batches of thousands of entries.
 *
 * Its tables are mapped nowhere; their words are written through mmu_update, as the frames have no type while the tree is not pinned. The root has the
 * guest's own slots, too, so that the guest can run on it.
 */
#include "fuzz.h"

#define DEEP_L1     384
#define DEEP_L2     6
#define DEEP_TABLES (DEEP_L1 + DEEP_L2 + 2)
#define DEEP_VA     0x0000010000000000UL /* an L4 slot of its own */
#define ROOT        (DEEP_TABLES - 1)
#define TOP         (DEEP_TABLES - 2) /* the L3 */

static u64 table[DEEP_TABLES]; /* frames: L1s, L2s, the L3, the L4 */
static u64 leaf[8];            /* frames that nothing else happens to */

#define BATCH 1024

/* Of each vCPU: updates to be made, and entries that may be wrong, to be mended one day. The tree is everybody's. */
static struct work {
    struct mmu_update batch[BATCH];
    u64 batched;
    struct {
        u64 at, index;
    } damaged[64];
    u64 damages;
} works[FUZZ_VCPUS];

static struct work *own_work(void)
{
    return &works[vcpu_id()];
}

static void flush(void)
{
    struct work *w = own_work();
    u32 done;

    if (w->batched)
        mmu_update(w->batch, w->batched, &done, DOMID_SELF);
    w->batched = 0;
}

static void put(u64 at, u64 index, u64 value)
{
    struct work *w = own_work();

    w->batch[w->batched++] = (struct mmu_update){ table[at] << PAGE_SHIFT | index * 8, value };
    if (w->batched == BATCH)
        flush();
}

u64 deep_root(void)
{
    return table[ROOT];
}

/* Where table i hangs: 64 L1s below each L2. */
static void hang(u64 i)
{
    if (i < DEEP_L1)
        put(DEEP_L1 + i / 64, i % 64 * 8, pte_make(table[i], PTE_TABLE));
    else if (i < TOP)
        put(TOP, i - DEEP_L1, pte_make(table[i], PTE_TABLE));
    else
        put(ROOT, DEEP_VA >> 39, pte_make(table[TOP], PTE_TABLE));
}

static void fill_l1(u64 i)
{
    for (u64 n = rnd_below(48); n; n--)
        put(i, rnd_below(512), pte_make(leaf[rnd_below(ARRAY_SIZE(leaf))], PTE_RO_PAGE));
}

void deep_init(void)
{
    const u64 *own = (const u64 *)start_info->pt_base;

    for (u64 i = 0; i < ARRAY_SIZE(leaf); i++)
        leaf[i] = pfn_mfn(pfn_alloc());
    for (u64 i = 0; i < DEEP_TABLES; i++)
        table[i] = pfn_mfn(pfn_alloc());
    for (u64 slot = 0; slot < 512; slot++)
        if (own[slot] && (slot < 256 || slot > 271))
            put(ROOT, slot, own[slot]);
    for (u64 i = 0; i < ROOT; i++) {
        if (i < DEEP_L1)
            fill_l1(i);
        hang(i);
    }
    flush();
}

static void unpin_it(void)
{
    mmuext_one(MMUEXT_UNPIN_TABLE, table[ROOT]);
}

/* Anew, if it is pinned already and nothing else holds it. */
static void pin_it(void)
{
    mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0);
    unpin_it();
    mmuext_one(MMUEXT_PIN_L4_TABLE, table[ROOT]);
}

/* Pins and unpins in one call: each may be stopped and continued. */
static void many_pins(void)
{
    struct mmuext_op ops[12];
    u64 n = 1 + rnd_below(ARRAY_SIZE(ops));
    u32 done;

    for (u64 i = 0; i < n; i++) {
        u64 at = rnd_once_in(3) ? rnd_below(DEEP_TABLES) : ROOT - rnd_below(3);
        u64 level = at < DEEP_L1 ? 1 : at < TOP ? 2 : at == TOP ? 3 : 4;

        ops[i].cmd = rnd_once_in(2)   ? MMUEXT_UNPIN_TABLE
                     : rnd_once_in(8) ? (u32)rnd_below(4)
                                      : (u32)(MMUEXT_PIN_L1_TABLE + level - 1);
        ops[i].arg1.mfn = table[at];
    }
    mmuext_op(ops, n, rnd_once_in(4) ? NULL : &done, DOMID_SELF);
}

/* Entries that make the next validation fail somewhere in the midst, and later ones that mend it. */
static void damage(void)
{
    struct work *w = own_work();

    for (u64 n = 1 + rnd_below(3); n && w->damages < ARRAY_SIZE(w->damaged); n--, w->damages++) {
        w->damaged[w->damages].at = rnd_below(DEEP_TABLES - 1);
        w->damaged[w->damages].index = rnd_below(512);
        put(w->damaged[w->damages].at, w->damaged[w->damages].index, some_entry());
    }
    flush();
}

static void mend(void)
{
    struct work *w = own_work();

    while (w->damages) {
        w->damages--;
        put(w->damaged[w->damages].at, w->damaged[w->damages].index, 0);
    }
    for (u64 i = 0; i < ROOT; i++) {
        hang(i);
        if (i < DEEP_L1 && rnd_once_in(16))
            fill_l1(i);
    }
    flush();
}

/* Take a branch out of the tree and hang it in again: each a walk of its own, from inside a batch. */
static void branches(void)
{
    for (u64 n = 1 + rnd_below(8); n; n--) {
        u64 i = rnd_once_in(4) ? rnd_below(ROOT) : DEEP_L1 + rnd_below(DEEP_L2 + 1);

        if (i >= DEEP_L1 && i < TOP)
            put(TOP, i - DEEP_L1, 0);
        else if (i == TOP)
            put(ROOT, DEEP_VA >> 39, 0);
        if (rnd_once_in(2))
            hang(i);
    }
    flush();
}

static void run_on_it(void)
{
    u64 own = ptr_mfn((void *)start_info->pt_base);

    if (switch_l4(table[ROOT]))
        return;
    for (u64 n = rnd_below(8); n; n--)
        step_tables();
    if (rnd_once_in(4))
        unpin_it();
    if (rnd_once_in(4))
        branches();
    switch_l4(own);
}

static void as_user_base(void)
{
    mmuext_one(MMUEXT_NEW_USER_BASEPTR, rnd_once_in(2) ? table[ROOT] : 0);
}

/* Thousands of updates in one call, most of them in a validated tree. */
static void big_batch(void)
{
    u64 at = rnd_below(DEEP_L1);

    for (u64 n = BATCH - 1; n; n--)
        put(rnd_once_in(64) ? rnd_below(DEEP_L1) : at, rnd_below(512),
            pte_make(leaf[rnd_below(ARRAY_SIZE(leaf))],
                     rnd_once_in(64) ? PTE_RW_PAGE : PTE_RO_PAGE));
    flush();
}

/* Pins, unpins and updates in a multicall, which is interrupted at its entries and inside of them. */
static void in_multicall(void)
{
    static struct multicall_entry list[64];
    static struct mmuext_op ops[64];
    u64 n = 1 + rnd_below(ARRAY_SIZE(list));

    for (u64 i = 0; i < n; i++) {
        ops[i].cmd = rnd_once_in(2) ? MMUEXT_PIN_L4_TABLE : MMUEXT_UNPIN_TABLE;
        ops[i].arg1.mfn = table[rnd_once_in(4) ? TOP : ROOT];
        if (ops[i].arg1.mfn == table[TOP] && ops[i].cmd == MMUEXT_PIN_L4_TABLE)
            ops[i].cmd = MMUEXT_PIN_L3_TABLE;
        list[i] = (struct multicall_entry){ .op = __HYPERVISOR_mmuext_op,
                                            .args = { (u64)&ops[i], 1, 0, DOMID_SELF } };
    }
    multicall(list, n);
}

/* The root given up while it is pinned or in use: the tree goes with the last reference. */
static void swap_root(void)
{
    u64 at = rnd_once_in(2) ? ROOT : rnd_below(DEEP_TABLES), pfn = mfn_pfn(table[at]);
    u64 out = table[at], in = pfn;
    struct xen_memory_reservation r = { .extent_start = (u64)&out,
                                        .nr_extents = 1,
                                        .domid = DOMID_SELF };

    if (memory_op(XENMEM_decrease_reservation, &r) != 1)
        return;
    r.extent_start = (u64)&in;
    if (memory_op(XENMEM_populate_physmap, &r) != 1)
        return;
    table[at] = in;
    if (at == ROOT) {
        const u64 *own = (const u64 *)start_info->pt_base;
        for (u64 slot = 0; slot < 512; slot++)
            if (own[slot] && (slot < 256 || slot > 271))
                put(ROOT, slot, own[slot]);
        hang(TOP);
    } else {
        hang(at);
    }
    flush();
    mend();
}

void step_deep(void)
{
    static void (*const steps[])(
        void) = { pin_it,   pin_it,   unpin_it,  many_pins,    many_pins, damage,       mend,
                  branches, branches, run_on_it, as_user_base, big_batch, in_multicall, swap_root };

    own_work()->batched = 0; /* a step before may have been cut off by a trap */
    steps[rnd_below(ARRAY_SIZE(steps))]();
}
