/*
 * Random operations of hostile domains on page tables, interrupted at random, with the recount after each (mm_machine.h).
 *
 * The pages of a domain play parts: some are mostly used as L4s, some as L3s and so on, so that many trees are valid; and now and then
 * anything goes. An operation that asks to be restarted may be asked again, or be forgotten, as vCPUs with other things to do.
 */
#include <stdlib.h>

#include "mm_machine.h"
#include "abi/errno.h"
#include "mm/quick.h"

#define PAGES 30 /* of each domain: 5 for each level, 10 for data */

static mfn_t page[MACHINE_DOMAINS][PAGES];
static u32 accepted, refused, restarted;

static mfn_t page_of_level(u16 id, u32 level)
{
    u32 k = level == 0 ? 20 + (u32)machine_random(10) : (4 - level) * 5 + (u32)machine_random(5);

    return page[id][k];
}

static mfn_t any_page(u16 id)
{
    return page[id][machine_random(PAGES)];
}

/* The level that the page's part gives it; 0: data. */
static u32 part_of(u16 id, mfn_t mfn)
{
    for (u32 k = 0; k < 20; k++)
        if (page[id][k].n == mfn.n)
            return 4 - k / 5;
    return 0;
}

static const u64 odd_flags[] = { PTE_PSE, PTE_PWT, PTE_PCD, PTE_G,   PTE_NX, PTE_D,
                                 PTE_U,   PTE_A,   BIT(9),  BIT(52), BIT(62) };

static u64 random_entry(u16 id, u32 level)
{
    static u64 const strange[] = { 0, MACHINE_RAM, MACHINE_FRAMES, 1UL << 39, (1UL << 40) - 1 };
    u64 flags = PTE_P | (machine_random(3) ? 0 : PTE_RW) | PTE_U;
    mfn_t to = page_of_level(id, level ? level - 1 : 0);

    if (machine_random(8) == 0)
        return machine_random(2) ? 0 : machine_random(1UL << 40) << 12;
    if (machine_random(10) == 0)
        to = any_page(id);
    if (machine_random(12) == 0 && level > 1)
        to = page_of_level(id, level); /* linear */
    if (machine_random(40) == 0)
        to = MFN(strange[machine_random(ARRAY_SIZE(strange))]);
    if (machine_random(40) == 0)
        to = any_page((id + 1) % MACHINE_DOMAINS);
    if (machine_random(20) == 0)
        flags ^= odd_flags[machine_random(ARRAY_SIZE(odd_flags))];
    return to.n << 12 | flags;
}

/* A few slots of each table, so that they meet again; some of them the hypervisor's. */
static u32 random_slot(void)
{
    static const u32 slots[] = { 0, 1, 2, 3, 255, 256, 270, 271, 272, 511 };

    return slots[machine_random(ARRAY_SIZE(slots))];
}

static s64 do_update(u16 id, struct walk_result *result)
{
    mfn_t at = any_page(id);
    u16 pages = id == 0 && machine_random(4) == 0 ? 1 : id;
    struct domain_memory *m = &machine_domain[id].m, *p = &machine_domain[pages].m;

    if (p->dying || !memory_enter_pair(m, p))
        return -XEN_ERESTART;
    s64 error = update_entry(m, p, at.n << 12 | random_slot() << 3,
                             random_entry(pages, part_of(id, at)), machine_random(2), result);
    memory_leave_pair(m, p);
    return error;
}

static s64 do_store(u16 id)
{
    mfn_t at = page_of_level(id, 1);
    u32 slot = random_slot();
    pte_t seen = machine_peek(at, slot) ^ (machine_random(10) ? 0 : PTE_A);
    struct domain_memory *m = &machine_domain[id].m;

    if (!memory_enter(m))
        return -XEN_ERESTART;
    const struct frame *f = frame_owned(at, id);
    s64 error = -XEN_EINVAL;
    if (f && f->type == FRAME_L1 && f->type_refs)
        error = update_l1_if(m, (pte_t *)mfn_to_virt(at) + slot, &seen, random_entry(id, 1));
    memory_leave(m);
    return error;
}

/* A base pointer that is one already makes room for another, with no question that could take long. */
static bool quick_switch(struct machine_domain *d, u16 id)
{
    u32 k = (u32)machine_random(d->nr_held + 1);
    mfn_t mfn = page_of_level(id, 4);

    if (k == d->nr_held || mfn_to_frame(d->held[k])->type != FRAME_L4)
        return false;
    struct frame *next = quick_l4(&d->m, mfn), *old = quick_old_l4(d->held[k].n << 12);
    if (!next || !old)
        return false;
    quick_l4_get(next);
    quick_l4_put(old);
    d->held[k] = mfn;
    return true;
}

static s64 do_quick(u16 id)
{
    struct machine_domain *d = &machine_domain[id];
    mfn_t at = machine_random(4) ? page_of_level(id, 1) : any_page(id);
    u64 address = at.n << 12 | random_slot() << 3 | (machine_random(20) ? 0 : machine_random(8));

    if (!quick_enter(&d->m))
        return -XEN_ERESTART;
    bool done =
        machine_random(3) ? quick_map(&d->m, address, random_entry(id, 1)) : quick_switch(d, id);
    quick_leave(&d->m);
    return done ? 0 : -XEN_EINVAL;
}

static s64 do_pin(u16 id, struct walk_result *result)
{
    struct domain_memory *m = &machine_domain[id].m;
    u32 level = 1 + (u32)machine_random(4);
    mfn_t mfn = machine_random(6) ? page_of_level(id, level) : any_page(id);

    if (!memory_enter(m))
        return -XEN_ERESTART;
    s64 error = type_get(m, mfn, level, result);
    if (!error && (mfn_to_frame(mfn)->flags & FRAME_PINNED))
        type_put(m, mfn);
    else if (!error)
        mfn_to_frame(mfn)->flags |= FRAME_PINNED;
    memory_leave(m);
    return error;
}

static s64 do_unpin(u16 id)
{
    struct domain_memory *m = &machine_domain[id].m;
    struct frame *f = frame_owned(any_page(id), id);

    if (!memory_enter(m))
        return -XEN_ERESTART;
    bool pinned = f && (f->flags & FRAME_PINNED);
    if (pinned)
        memory_unpin(m, f);
    memory_leave(m);
    return pinned ? 0 : -XEN_EINVAL;
}

/* A base pointer or a descriptor table. */
static s64 do_hold(u16 id, struct walk_result *result)
{
    struct machine_domain *d = &machine_domain[id];
    enum frame_type type = machine_random(3)   ? FRAME_L4
                           : machine_random(2) ? FRAME_SEG
                                               : FRAME_WRITABLE;
    mfn_t mfn = page_of_level(id, type == FRAME_L4 ? 4 : 0);

    if (d->nr_held > 6) {
        if (!memory_enter(&d->m))
            return -XEN_ERESTART;
        u32 k = (u32)machine_random(d->nr_held);
        mfn = d->held[k];
        d->held[k] = d->held[--d->nr_held];
        type_put(&d->m, mfn);
        memory_leave(&d->m);
        return 0;
    }
    if (!memory_enter(&d->m))
        return -XEN_ERESTART;
    s64 error = type_get(&d->m, mfn, type, result);
    if (!error)
        d->held[d->nr_held++] = mfn;
    memory_leave(&d->m);
    return error;
}

/* Give a page up and take another one in its part. */
static s64 do_renew(u16 id)
{
    struct domain_memory *m = &machine_domain[id].m;
    u32 k = (u32)machine_random(PAGES);
    struct frame *f = frame_owned(page[id][k], id);

    if (!memory_enter(m))
        return -XEN_ERESTART;
    if (f && (f->flags & FRAME_PINNED))
        memory_unpin(m, f);
    if (f)
        memory_free_page(m, f);
    mfn_t next = memory_alloc_page(m);
    if (mfn_valid(next))
        page[id][k] = next;
    memory_leave(m);
    return 0;
}

static s64 one_operation(u16 id, struct walk_result *result)
{
    switch (machine_random(19)) {
    case 0 ... 7:
        return do_update(id, result);
    case 8:
        return do_store(id);
    case 9 ... 11:
        return do_pin(id, result);
    case 12:
        return do_unpin(id);
    case 13:
    case 14:
        return do_hold(id, result);
    case 15 ... 17:
        return do_quick(id);
    default:
        return machine_random(4) ? -XEN_EAGAIN : do_renew(id);
    }
}

static void operate(u16 id)
{
    struct walk_result *result = &machine_domain[id].results[machine_random(2)];
    s64 error = one_operation(id, result);

    machine_audit();
    accepted += error == 0;
    refused += error < 0 && error != -XEN_ERESTART && error != -XEN_EAGAIN;
    restarted += error == -XEN_ERESTART;
}

static void fuzz(u64 seed, u32 interrupts, u32 operations)
{
    machine_start(seed);
    machine_interrupts = interrupts;
    for (u16 id = 0; id < MACHINE_DOMAINS; id++)
        machine_new_domain(id, id == 0, PAGES + 4, PAGES, page[id]);
    for (u32 i = 0; i < operations; i++)
        operate((u16)machine_random(MACHINE_DOMAINS));
    for (u16 id = MACHINE_DOMAINS; id-- > 0;)
        machine_end_domain(id);
    ck_assert_uint_eq(alloc_stats().free, MACHINE_RAM - 1);
    ck_assert_uint_eq(alloc_stats().koan, 0);
    /* A run that accepts or refuses next to nothing tests nothing. */
    ck_assert_msg(accepted > operations / 10 && refused > operations / 20,
                  "accepted %u, refused %u of %u", accepted, refused, operations);
    ck_assert(interrupts == 0 || restarted > 10);
}

START_TEST(uninterrupted)
{
    fuzz(1000 + (u64)_i, 0, 3000);
}
END_TEST

START_TEST(interrupted_often)
{
    fuzz(2000 + (u64)_i, 2, 3000);
}
END_TEST

START_TEST(interrupted_at_once)
{
    fuzz(3000 + (u64)_i, 1, 3000);
}
END_TEST

START_TEST(interrupted_now_and_then)
{
    fuzz(4000 + (u64)_i, 10, 3000);
}
END_TEST

void unit_add(TCase *tests)
{
    const char *more = getenv(
        "KOAN_FUZZ_SEEDS"); /* how many seeds of each kind; the default is for `make check` */
    int seeds = more ? atoi(more) : 8;

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, uninterrupted, 0, seeds);
    tcase_add_loop_test(tests, interrupted_often, 0, seeds);
    tcase_add_loop_test(tests, interrupted_at_once, 0, seeds);
    tcase_add_loop_test(tests, interrupted_now_and_then, 0, seeds);
}
