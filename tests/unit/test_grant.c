/*
 * Grants between domains (domain/grant.h) on the small machine of mm_machine.h, which recounts every reference after each test. What the
 * granter sees in its entries, and which status answers what: grant_table.h of the ABI and Xen 4.17; the test guests compare the same with
 * real Xen.
 */
#include <string.h>

#include "mm_machine.h"
#include "abi/errno.h"
#include "domain/grant.h"

#define SLOTS 8

/* Domain 1 lends, domain 2 maps into a pinned L1 table; domain 0 is a bystander. */
static mfn_t lent[12], mine[6];
static struct domain_memory *granter, *mapper;
static mfn_t table; /* mine[0], an L1 */
static struct grant_caller caller;
static u64 free_before;

static struct grant_entry_v1 *entry(u32 ref)
{
    struct grant_entry_v1 *frame = mfn_to_virt(grant_table_frame(granter, ref / 512));

    return &frame[ref % 512];
}

static void grant(u32 ref, u16 flags, u16 to, mfn_t mfn)
{
    *entry(ref) = (struct grant_entry_v1){ flags, to, (u32)mfn.n };
}

static u64 slot_address(u32 slot)
{
    return table.n << PAGE_SHIFT | slot * 8;
}

static void set_up(void)
{
    machine_start(1);
    free_before = alloc_stats().free;
    machine_new_domain(0, true, 4, 0, NULL);
    granter = machine_new_domain(1, false, 20, 12, lent);
    mapper = machine_new_domain(2, false, 20, 6, mine);
    ck_assert_int_eq(grant_table_grow(granter, 1), 0);
    for (u32 i = 0; i < 6; i++)
        memset(mfn_to_virt(mine[i]), 0, PAGE_SIZE);
    table = mine[0];
    ck_assert_int_eq(machine_hold(2, table, FRAME_L1), 0);
    caller = (struct grant_caller){ .own = mapper };
}

static void end_domain(u16 id)
{
    struct domain_memory *m = &machine_domain[id].m;

    m->dying = true;
    while (!grant_table_end(m))
        ;
    machine_end_domain(id);
    while (!grant_maps_end(m))
        ;
}

/* Everything must be given back in the end, whoever goes first. */
static void tear_down(void)
{
    grant_caller_done(&caller);
    machine_audit();
    for (u16 id = 0; id < MACHINE_DOMAINS; id++)
        if (!machine_domain[id].m.dying)
            end_domain(id);
    ck_assert_uint_eq(alloc_stats().free, free_before);
}

static s16 map(u16 from, u32 ref, u32 slot, u32 flags, u32 *handle)
{
    struct gnttab_map_grant_ref op = { .host_addr = slot_address(slot),
                                       .flags = flags | GNTMAP_host_map | GNTMAP_contains_pte,
                                       .ref = ref,
                                       .dom = from };

    while (grant_map(&caller, &op))
        ;
    *handle = op.handle;
    return op.status;
}

static s16 unmap(u32 slot, u32 handle)
{
    struct grant_unmap op = { .host_addr = slot_address(slot), .handle = handle };

    while (grant_unmap(&caller, &op, 1))
        ;
    return op.status;
}

static s16 copy(struct gnttab_copy op)
{
    while (grant_copy(&caller, &op))
        ;
    return op.status;
}

#define PERMIT GTF_permit_access

START_TEST(map_and_unmap)
{
    u32 h;

    set_up();
    grant(9, PERMIT, 2, lent[0]);
    ck_assert_int_eq(map(1, 9, 3, 0, &h), 0);
    ck_assert_uint_eq(machine_peek(table, 3) & 0xfffffffffffffUL, lent[0].n << 12 | 0x67);
    ck_assert_uint_eq(entry(9)->flags, PERMIT | GTF_reading | GTF_writing);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->refs, 2);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->type_refs, 1);
    machine_audit();
    u32 flushes = machine_flushes;
    ck_assert_int_eq(unmap(3, h), 0);
    ck_assert_uint_eq(machine_flushes, flushes + 1);
    ck_assert_uint_eq(machine_peek(table, 3), 0);
    ck_assert_uint_eq(entry(9)->flags, PERMIT);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->refs, 1);
    ck_assert_int_eq(unmap(3, h), GNTST_bad_handle);
    ck_assert_int_eq(unmap(3, h + 1), GNTST_bad_handle);
    ck_assert_int_eq(unmap(3, ~0U), GNTST_bad_handle);
    tear_down();
}
END_TEST

START_TEST(what_is_refused)
{
    static const struct {
        u16 from, flags, to;
        u32 ref;
        s16 status;
    } rows[] = {
        { 1, PERMIT, 2, 512, GNTST_bad_gntref },
        { 1, PERMIT, 2, ~0U, GNTST_bad_gntref },
        { 7, PERMIT, 2, 9, GNTST_bad_domain },
        { DOMID_SELF, PERMIT, 2, 9, GNTST_bad_domain },
        { 1, PERMIT, 0, 9, GNTST_general_error },
        { 1, GTF_invalid, 2, 9, GNTST_general_error },
        { 1, GTF_accept_transfer, 2, 9, GNTST_general_error },
        { 1, GTF_type_mask, 2, 9, GNTST_general_error },
        { 1, PERMIT | GTF_readonly, 2, 9, GNTST_general_error },
        { 0, PERMIT, 2, 9, GNTST_general_error }, /* it has granted nothing */
        { 0, PERMIT, 2, 512, GNTST_bad_gntref },
    };
    struct gnttab_map_grant_ref none = { .ref = 9, .dom = 1 };
    u32 h;

    set_up();
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        grant(9, rows[i].flags, rows[i].to, lent[0]);
        ck_assert_int_eq(map(rows[i].from, rows[i].ref, 0, 0, &h), rows[i].status);
        ck_assert_uint_eq(entry(9)->flags, rows[i].flags);
    }
    ck_assert_int_eq(grant_map(&caller, &none), 0);
    ck_assert_int_eq(none.status, GNTST_bad_gntref);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->refs, 1);
    tear_down();
}
END_TEST

START_TEST(frames_that_cannot_be_lent)
{
    u32 h;

    set_up();
    mfn_t koan = alloc_koan_page();
    const mfn_t theirs[] = { mine[1],         koan,  MFN(MACHINE_RAM), MFN(MACHINE_FRAMES),
                             MFN(0xffffffff), MFN(0) };
    for (u32 i = 0; i < ARRAY_SIZE(theirs); i++) {
        grant(9, PERMIT, 2, theirs[i]);
        ck_assert_int_eq(map(1, 9, 0, 0, &h), GNTST_bad_page);
        ck_assert_int_eq(map(1, 9, 0, GNTMAP_readonly, &h), GNTST_bad_page);
        ck_assert_uint_eq(entry(9)->flags, PERMIT);
    }
    alloc_free_koan_page(koan);
    /* A page table can be lent, but not for writing. */
    memset(mfn_to_virt(lent[1]), 0, PAGE_SIZE);
    ck_assert_int_eq(machine_hold(1, lent[1], FRAME_L1), 0);
    grant(9, PERMIT, 2, lent[1]);
    ck_assert_int_eq(map(1, 9, 0, 0, &h), GNTST_general_error);
    ck_assert_int_eq(map(1, 9, 0, GNTMAP_readonly, &h), 0);
    ck_assert_int_eq(unmap(0, h), 0);
    tear_down();
}
END_TEST

/* What is in use stays so, whatever the granter writes; and nobody else gets in. */
START_TEST(a_hostile_granter)
{
    u32 h, second;

    set_up();
    grant(9, PERMIT, 2, lent[0]);
    ck_assert_int_eq(map(1, 9, 0, GNTMAP_readonly, &h), 0);
    grant(9, 0, 0, lent[1]);
    ck_assert_int_eq(map(1, 9, 1, 0, &second), GNTST_general_error);
    ck_assert_int_eq(map(1, 9, 1, GNTMAP_readonly, &second), 0);
    ck_assert_uint_eq(machine_peek(table, 1) >> 12 & 0xffffff, lent[0].n);
    caller.own = &machine_domain[0].m;
    u32 other;
    grant(9, PERMIT, 0, lent[1]);
    ck_assert_int_eq(map(1, 9, 1, GNTMAP_readonly, &other), GNTST_general_error);
    caller.own = mapper;
    grant(9, 0xffff, 0, lent[1]);
    ck_assert_int_eq(unmap(0, h), 0);
    ck_assert_uint_eq(entry(9)->flags, 0xffff);
    ck_assert_int_eq(unmap(1, second), 0);
    ck_assert_uint_eq(entry(9)->flags, 0xffff & ~GTF_reading);
    tear_down();
}
END_TEST

START_TEST(an_entry_that_was_overwritten)
{
    pte_t seen;
    u32 h;

    set_up();
    grant(9, PERMIT, 2, lent[0]);
    ck_assert_int_eq(map(1, 9, 0, 0, &h), 0);
    /* It can be copied nowhere, and made no more of. */
    seen = 0;
    ck_assert_int_eq(machine_store(2, table, 1, &seen, machine_peek(table, 0)), -XEN_EBUSY);
    seen = machine_peek(table, 0);
    ck_assert_int_eq(machine_store(2, table, 0, &seen, 0), 0);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->refs, 1);
    machine_audit();
    ck_assert_int_eq(unmap(0, h), GNTST_general_error);
    ck_assert_uint_eq(entry(9)->flags, PERMIT | GTF_reading | GTF_writing);
    end_domain(2);
    ck_assert_uint_eq(entry(9)->flags, PERMIT);
    tear_down();
}
END_TEST

START_TEST(a_table_given_up_with_its_mappings)
{
    u32 h;

    set_up();
    grant(9, PERMIT, 2, lent[0]);
    ck_assert_int_eq(map(1, 9, 0, 0, &h), 0);
    machine_drop(2, 0);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->refs, 1);
    /* The entry is still there, but the table can't be one again with it. */
    ck_assert_int_eq(machine_hold(2, table, FRAME_L1), -XEN_EBUSY);
    ck_assert_int_eq(unmap(0, h), GNTST_general_error);
    tear_down();
}
END_TEST

START_TEST(the_granter_ends_first)
{
    u32 h[3];

    set_up();
    for (u32 i = 0; i < 3; i++) {
        grant(9 + i, PERMIT, 2, lent[i]);
        ck_assert_int_eq(map(1, 9 + i, i, i == 1 ? GNTMAP_readonly : 0, &h[i]), 0);
    }
    grant_caller_done(&caller);
    u64 free = alloc_stats().free;
    end_domain(1);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->owner, OWNER_LIMBO);
    /* 12 pages, a grant frame and two pages of uses; three frames are still mapped. */
    ck_assert_uint_eq(alloc_stats().free, free + 12 + 3 - 3);
    ck_assert_int_eq(unmap(0, h[0]), 0);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->owner, OWNER_FREE);
    ck_assert_int_eq(unmap(1, h[1]), 0);
    ck_assert_int_eq(map(1, 9, 0, 0, &h[0]), GNTST_bad_domain);
    tear_down();
}
END_TEST

START_TEST(a_dying_granter_lends_nothing)
{
    u32 h;

    set_up();
    grant(9, PERMIT, 2, lent[0]);
    granter->dying = true;
    ck_assert_int_eq(map(1, 9, 0, 0, &h), GNTST_bad_domain);
    ck_assert_int_eq(grant_table_grow(granter, 2), -XEN_ESRCH);
    granter->dying = false;
    tear_down();
}
END_TEST

START_TEST(devices_and_replacements)
{
    struct gnttab_map_grant_ref op = { .host_addr = slot_address(0),
                                       .flags = GNTMAP_host_map | GNTMAP_device_map |
                                                GNTMAP_contains_pte,
                                       .ref = 9,
                                       .dom = 1 };
    struct grant_unmap undo = { .host_addr = slot_address(0) };

    set_up();
    op.host_addr = undo.host_addr = slot_address(0);
    grant(9, PERMIT, 2, lent[0]);
    ck_assert_int_eq(grant_map(&caller, &op), 0);
    ck_assert_int_eq(op.status, 0);
    ck_assert_uint_eq(op.dev_bus_addr, lent[0].n << 12);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->refs, 3);
    undo.handle = op.handle;
    ck_assert_int_eq(grant_unmap(&caller, &undo, 1), 0);
    ck_assert_int_eq(undo.status, 0);
    ck_assert_uint_eq(entry(9)->flags, PERMIT | GTF_reading | GTF_writing);
    undo.dev_bus_addr = 1;
    ck_assert_int_eq(grant_unmap(&caller, &undo, 1), 0);
    ck_assert_int_eq(undo.status, GNTST_general_error);
    undo.dev_bus_addr = op.dev_bus_addr;
    ck_assert_int_eq(grant_unmap(&caller, &undo, 1), 0);
    ck_assert_int_eq(undo.status, 0);
    ck_assert_uint_eq(entry(9)->flags, PERMIT);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->refs, 1);
    tear_down();
}
END_TEST

START_TEST(copies)
{
    set_up();
    u8 *theirs = mfn_to_virt(lent[0]), *ours = mfn_to_virt(mine[1]);
    struct gnttab_copy in = { .source = { .u.ref = 9, .domid = 1, .offset = 10 },
                              .dest = { .u.gmfn = mine[1].n, .domid = DOMID_SELF, .offset = 20 },
                              .len = 100,
                              .flags = GNTCOPY_source_gref };
    struct gnttab_copy out = { .source = { .u.gmfn = mine[1].n, .domid = DOMID_SELF },
                               .dest = { .u.ref = 9, .domid = 1, .offset = 4000 },
                               .len = 96,
                               .flags = GNTCOPY_dest_gref };

    for (u32 i = 0; i < PAGE_SIZE; i++)
        theirs[i] = (u8)(i ^ i >> 8);
    grant(9, PERMIT | GTF_readonly, 2, lent[0]);
    ck_assert_int_eq(copy(in), 0);
    ck_assert_mem_eq(ours + 20, theirs + 10, 100);
    ck_assert_uint_eq(ours[19] | ours[120], 0);
    ck_assert_int_eq(copy(out), GNTST_general_error);
    grant(9, PERMIT, 2, lent[0]);
    ck_assert_int_eq(copy(out), 0);
    ck_assert_mem_eq(theirs + 4000, ours, 96);
    ck_assert_uint_eq(theirs[3999], (u8)(3999 ^ 3999 >> 8));
    ck_assert_uint_eq(entry(9)->flags, PERMIT);
    out.dest.offset = 4001;
    ck_assert_int_eq(copy(out), GNTST_bad_copy_arg);
    in.source.domid = 7;
    ck_assert_int_eq(copy(in), GNTST_bad_domain);
    in.source.domid = 1;
    in.dest.u.gmfn = table.n; /* a page table */
    ck_assert_int_eq(copy(in), GNTST_general_error);
    in.dest.u.gmfn = lent[3].n; /* theirs */
    ck_assert_int_eq(copy(in), GNTST_bad_page);
    in.dest = (struct gnttab_copy_ptr){ .u.gmfn = mine[1].n, .domid = 2 };
    ck_assert_int_eq(copy(in), GNTST_permission_denied);
    ck_assert_uint_eq(entry(9)->flags, PERMIT);
    ck_assert_uint_eq(mfn_to_frame(lent[0])->refs, 1);
    tear_down();
}
END_TEST

START_TEST(swaps)
{
    u32 h;

    set_up();
    grant(9, PERMIT, 2, lent[0]);
    grant(10, PERMIT | GTF_readonly, 0, lent[1]);
    ck_assert_int_eq(grant_swap(granter, 9, 10), 0);
    ck_assert_uint_eq(entry(10)->frame, lent[0].n);
    ck_assert_uint_eq(entry(9)->flags, PERMIT | GTF_readonly);
    ck_assert_int_eq(map(1, 10, 0, 0, &h), 0);
    ck_assert_int_eq(grant_swap(granter, 9, 10), GNTST_eagain);
    ck_assert_int_eq(unmap(0, h), 0);
    ck_assert_int_eq(grant_swap(granter, 9, 512), GNTST_bad_gntref);
    ck_assert_int_eq(grant_swap(mapper, 9, 10), GNTST_bad_gntref);
    tear_down();
}
END_TEST

START_TEST(many_handles)
{
    enum { MANY = 700 };
    static u32 handles[MANY];

    set_up();
    grant(9, PERMIT, 2, lent[0]);
    /* All in one place: each takes the entry over from the one before. */
    for (u32 i = 0; i < MANY; i++) {
        ck_assert_int_eq(map(1, 9, i % SLOTS, 0, &handles[i]), 0);
        for (u32 k = 0; k < i && i % 50 == 0; k++)
            ck_assert_uint_ne(handles[k], handles[i]);
    }
    ck_assert_uint_eq(mfn_to_frame(lent[0])->refs, 1 + SLOTS);
    for (u32 i = 0; i < SLOTS; i++)
        ck_assert_int_eq(unmap(i, handles[i]), 0);
    ck_assert_int_eq(unmap(0, handles[SLOTS]), GNTST_general_error);
    ck_assert_uint_eq(entry(9)->flags, PERMIT | GTF_reading | GTF_writing);
    u32 again;
    ck_assert_int_eq(map(1, 9, 0, 0, &again), 0);
    ck_assert_uint_lt(again, SLOTS);
    tear_down();
}
END_TEST

/* ---- anything, in any order, against a model ---- */

static struct {
    bool live;
    u32 ref, slot, handle;
    bool write;
} model[SLOTS];

static void check_bits(void)
{
    for (u32 ref = 8; ref < 16; ref++) {
        u16 wanted = 0;

        for (u32 i = 0; i < SLOTS; i++)
            if (model[i].live && model[i].ref == ref)
                wanted |= model[i].write ? GTF_reading | GTF_writing : GTF_reading;
        ck_assert_uint_eq(entry(ref)->flags & (GTF_reading | GTF_writing), wanted);
    }
}

static void random_step(void)
{
    u32 i = (u32)machine_random(SLOTS), ref = 8 + (u32)machine_random(8);
    struct gnttab_copy c = { .source = { .u.ref = ref, .domid = 1 },
                             .dest = { .u.gmfn = mine[1].n, .domid = DOMID_SELF },
                             .len = 64,
                             .flags = GNTCOPY_source_gref };

    if (machine_random(3) == 0) {
        ck_assert_int_eq(copy(c), 0);
    } else if (model[i].live) {
        ck_assert_int_eq(unmap(model[i].slot, model[i].handle), 0);
        model[i].live = false;
    } else {
        model[i].write = machine_random(2);
        model[i].ref = ref;
        model[i].slot = i;
        s16 status = map(1, ref, i, model[i].write ? 0 : GNTMAP_readonly, &model[i].handle);
        bool allowed = !(model[i].write && ref >= 14);
        ck_assert_int_eq(status, allowed ? 0 : GNTST_general_error);
        model[i].live = allowed;
    }
}

START_TEST(random_steps)
{
    set_up();
    machine_interrupts = 5;
    memset(model, 0, sizeof(model));
    for (u32 ref = 8; ref < 16; ref++)
        grant(ref, ref >= 14 ? PERMIT | GTF_readonly : PERMIT, 2, lent[ref - 8]);
    for (u32 n = 0; n < 4000; n++) {
        random_step();
        check_bits();
        if (n % 16 == 0)
            machine_audit();
    }
    tear_down();
    machine_interrupts = 0;
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, map_and_unmap);
    tcase_add_test(tests, what_is_refused);
    tcase_add_test(tests, frames_that_cannot_be_lent);
    tcase_add_test(tests, a_hostile_granter);
    tcase_add_test(tests, an_entry_that_was_overwritten);
    tcase_add_test(tests, a_table_given_up_with_its_mappings);
    tcase_add_test(tests, the_granter_ends_first);
    tcase_add_test(tests, a_dying_granter_lends_nothing);
    tcase_add_test(tests, devices_and_replacements);
    tcase_add_test(tests, copies);
    tcase_add_test(tests, swaps);
    tcase_add_test(tests, many_handles);
    tcase_add_test(tests, random_steps);
}
