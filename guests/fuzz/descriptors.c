/*
 * Descriptor tables: pages of the pool as GDT and LDT, changed while they are in use, and selectors loaded from them.
 */
#include "fuzz.h"

/* A descriptor: segments and gates of all kinds, with a few bits wrong now and then (SDM vol. 3, 3.4.5). */
static u64 some_descriptor(void)
{
    static const u64 good[] = {
        0x00cffa000000ffff, /* code, 32 bits, DPL 3 */
        0x00affa000000ffff, /* code, 64 bits, DPL 3 */
        0x00cff2000000ffff, /* data, DPL 3 */
        0x00cff6000000ffff, /* data, expands down */
        0x00cffe000000ffff, /* code, conforming */
        0x00cf9a000000ffff, /* code, DPL 0 */
        0x00cf72000000ffff, /* not present */
        0x0000ec00e0330000, /* call gate */
        0x0000890000000067, /* TSS */
        0x0000820000000000, /* LDT */
        0x00ef92000000ffff, /* odd */
        0,
    };
    u64 d = good[rnd_below(ARRAY_SIZE(good))];

    if (rnd_once_in(8))
        d ^= BIT(rnd_below(64));
    return rnd_once_in(32) ? rnd() : d;
}

static void fill_page(u64 i)
{
    pool_map(i, PTE_RW_PAGE);
    pool_clear(i);
    for (u64 n = rnd_below(64); n; n--)
        pool_store(i, rnd_below(512), some_descriptor());
    if (!rnd_once_in(4)) {
        pool_map(i, PTE_RO_PAGE);
        update_va_mapping(POOL_VA + i * PAGE_SIZE, pte_make(pool.mfn[i], PTE_RO_PAGE), UVMF_INVLPG);
    }
}

static void gdt(void)
{
    u64 frames[16], n = 1 + rnd_below(14);

    for (u64 i = 0; i < ARRAY_SIZE(frames); i++) {
        u64 page = pool_below();
        if (rnd_once_in(3))
            fill_page(page);
        frames[i] = rnd_once_in(16) ? some_mfn() : pool.mfn[page];
    }
    set_gdt(frames, rnd_once_in(8) ? some_word() : n * 512 - rnd_below(512));
}

/* One page, done right, so that there is a table to load from. */
static void gdt_right(void)
{
    u64 page = pool_below();

    fill_page(page);
    set_gdt(&pool.mfn[page], 512);
}

static void no_gdt(void)
{
    set_gdt(NULL, 0);
}

static void ldt(void)
{
    u64 page = pool_below();
    struct mmuext_op op = { .cmd = MMUEXT_SET_LDT,
                            .arg1.linear_addr = (u64)pool.va[page],
                            .arg2.nr_ents = (u32)rnd_below(1025) };

    fill_page(page);
    if (rnd_once_in(3))
        op.arg1.linear_addr = POOL_VA + page * PAGE_SIZE;
    if (rnd_once_in(8))
        op.arg1.linear_addr = some_va();
    if (rnd_once_in(8))
        op.arg2.nr_ents = (u32)some_word();
    mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void change(void)
{
    update_descriptor((rnd_once_in(16) ? some_mfn() : pool.mfn[pool_below()]) << PAGE_SHIFT |
                          rnd_below(512) * 8,
                      some_descriptor());
}

/* Selectors of the tables, through every way in. A trap from a bad one is the rule. */
static void load(void)
{
    u64 selector = rnd_below(64) * 8 | rnd_below(2) * 4 | 3, got;
    struct PACKED {
        u64 offset;
        u16 selector;
    } far = { some_va(), (u16)selector };

    if (rnd_once_in(4))
        selector = some_selector();
    switch (rnd_below(9)) {
    case 0:
        TRY_IO("movw %w0, %%ds", , "r"(selector));
        break;
    case 1:
        TRY_IO("movw %w0, %%es", , "r"(selector));
        break;
    case 2:
        TRY_IO("movw %w0, %%fs", , "r"(selector));
        break;
    case 3:
        TRY_IO("movw %w0, %%gs", , "r"(selector));
        break;
    case 4:
        TRY_IO("movw %w0, %%ss", , "r"(selector));
        break;
    case 5:
        TRY_IO("lar %w1, %k0", "=r"(got), "r"(selector));
        break;
    case 6:
        TRY_IO("lsl %w1, %k0", "=r"(got), "r"(selector));
        break;
    case 7:
        set_segment_base(SEGBASE_GS_USER_SEL, selector);
        break;
    default:
        TRY_IO("rex64 ljmp *(%0)", , "r"(&far));
        break;
    }
}

void step_descriptors(void)
{
    static void (*const steps[])(void) = { gdt,    gdt_right, gdt_right, no_gdt, ldt, ldt,
                                           change, change,    load,      load,   load };

    steps[rnd_below(ARRAY_SIZE(steps))]();
}
