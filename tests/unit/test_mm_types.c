/*
 * The rules of page types, one by one (mm/type.h, mm/validate.h, mm/update.h). What is accepted, how entries are changed, and which error
 * answers what: sections 2 and 5 of the PV ABI as Xen 4.17 has it; the guest programs compare the same with real Xen.
 */
#include "mm_tree.h"
#include "mm/device.h"

/* ---- flags ---- */

START_TEST(flags_of_l1_entries)
{
    static const struct {
        u64 flags;
        s64 answer;
    } rows[] = {
        { P, 0 },         { P | RW, 0 },
        { P | U, 0 },     { P | A | D, 0 },
        { P | G, 0 },     { P | 7UL << 9, 0 },
        { P | NX, 0 },    { P | 0x7ffUL << 52, 0 },
        { P | PWT, -22 }, { P | PCD, -22 },
        { P | PSE, -22 }, { P | RW | PWT | PCD, -22 },
        { 0, 0 },         { PWT | PCD | PSE | RW, 0 }, /* not present: the guest's business */
    };

    set_up();
    ck_assert_int_eq(pin(l1, FRAME_L1), 0);
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
        ck_assert_int_eq(update(l1, i, entry(data[0], rows[i].flags)), rows[i].answer);
    machine_drop(1, 0);
    /* The same entries, found when the table is validated. */
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        machine_poke(l1, 100, entry(data[0], rows[i].flags));
        ck_assert_int_eq(pin(l1, FRAME_L1), rows[i].answer);
        if (!rows[i].answer)
            machine_drop(1, 0);
    }
}
END_TEST

START_TEST(flags_above_l1)
{
    static const u64 bad[] = { PWT, PCD, PSE, G };

    set_up();
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    const mfn_t table[] = { l2, l3, l4 }, child[] = { l1, l2, l3 };
    for (u32 level = 0; level < 3; level++) {
        for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
            ck_assert_int_eq(update(table[level], 1, entry(child[level], P | RW | bad[i])),
                             -XEN_EINVAL);
        ck_assert_int_eq(
            update(table[level], 1, entry(child[level], P | NX | 7UL << 9 | 0x7ffUL << 52)), 0);
        ck_assert_int_eq(update(table[level], 1, 0), 0);
    }
}
END_TEST

START_TEST(entries_are_adjusted)
{
    set_up();
    machine_poke(l1, 1, entry(data[0], P | RW));
    machine_poke(l1, 2, entry(data[1], P | U | G));
    machine_poke(l1, 3, entry(data[2], RW)); /* not present */
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    ck_assert_uint_eq(machine_peek(l1, 1), entry(data[0], P | RW | U | KERNEL));
    ck_assert_uint_eq(machine_peek(l1, 2), entry(data[1], P | U)); /* no GLOBAL for guests */
    ck_assert_uint_eq(machine_peek(l1, 3), entry(data[2], RW));
    ck_assert_uint_eq(machine_peek(l2, 0), entry(l1, P | RW | U));
    ck_assert_uint_eq(machine_peek(l3, 0), entry(l2, P | RW | U));
    ck_assert_uint_eq(machine_peek(l4, 0), entry(l3, P | RW | U | A));
    ck_assert_int_eq(update(l1, 1, entry(data[0], P)), 0);
    ck_assert_uint_eq(machine_peek(l1, 1), entry(data[0], P | U | KERNEL));
}
END_TEST

START_TEST(a_refused_tree_is_left_as_it_was)
{
    set_up();
    machine_poke(l1, 5, entry(data[0], P));
    machine_poke(l2, 511, entry(data[1], P | PSE));
    ck_assert_int_eq(pin(l4, FRAME_L4), -XEN_EINVAL);
    ck_assert_uint_eq(machine_peek(l2, 511), entry(data[1], P | PSE));
    ck_assert_uint_eq(frame(l4)->type_refs + frame(l3)->type_refs + frame(l2)->type_refs +
                          frame(l1)->type_refs,
                      0);
    ck_assert_uint_eq(frame(data[0])->refs, 1);
}
END_TEST

/* ---- whose frame, which type ---- */

START_TEST(frames_that_an_l1_may_not_map)
{
    mfn_t theirs;

    set_up();
    machine_new_domain(2, false, 1, 1, &theirs);
    mfn_t koan = alloc_koan_page();
    ck_assert_int_eq(pin(l1, FRAME_L1), 0);
    ck_assert_int_eq(update(l1, 0, entry(theirs, P)), -XEN_EBUSY);
    ck_assert_int_eq(update(l1, 0, entry(koan, P)), -XEN_EBUSY);
    ck_assert_int_eq(update(l1, 0, entry(MFN(MACHINE_RAM - 1), P)), -XEN_EBUSY); /* free */
    ck_assert_int_eq(update(l1, 0, entry(MFN(MACHINE_RAM), P)), -XEN_EPERM);     /* no RAM */
    ck_assert_int_eq(update(l1, 0, entry(MFN(MACHINE_FRAMES), P)),
                     -XEN_EPERM); /* beyond all memory */
    ck_assert_int_eq(update(l1, 0, entry(MFN((1UL << 40) - 1), P)), -XEN_EINVAL);
    alloc_free_koan_page(koan);
}
END_TEST

START_TEST(a_page_table_is_never_writable)
{
    set_up();
    const mfn_t tables[] = { l1, l2, l3, l4 };
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    for (u32 i = 0; i < 4; i++) {
        ck_assert_int_eq(update(l1, 1, entry(tables[i], P | RW)), -XEN_EBUSY);
        ck_assert_int_eq(update(l1, 1, entry(tables[i], P)), 0);
    }
}
END_TEST

START_TEST(what_is_writable_becomes_no_table)
{
    set_up();
    ck_assert_int_eq(pin(l1, FRAME_L1), 0);
    ck_assert_int_eq(update(l1, 0, entry(data[0], P | RW)), 0);
    for (u32 type = FRAME_L1; type <= FRAME_SEG; type++)
        ck_assert_int_eq(pin(data[0], type), -XEN_EINVAL);
    /* Read-only, it may. The CPU that could still write to it is flushed first: machine_audit sees to that. */
    ck_assert_int_eq(update(l1, 0, entry(data[0], P)), 0);
    for (u32 type = FRAME_L1; type <= FRAME_SEG; type++) {
        ck_assert_int_eq(pin(data[0], type), 0);
        machine_drop(1, machine_domain[1].nr_held - 1);
    }
}
END_TEST

START_TEST(a_table_that_maps_itself)
{
    set_up();
    machine_poke(l1, 7, entry(l1, P | RW));
    ck_assert_int_eq(pin(l1, FRAME_L1), -XEN_EBUSY);
    machine_poke(l1, 7, entry(l1, P));
    ck_assert_int_eq(pin(l1, FRAME_L1), 0);
    ck_assert_int_eq(update(l1, 7, entry(l1, P | RW)), -XEN_EBUSY);
}
END_TEST

START_TEST(one_type_at_a_time)
{
    set_up();
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    ck_assert_int_eq(pin(l4, FRAME_L3), -XEN_EINVAL);
    ck_assert_int_eq(pin(l3, FRAME_L4), -XEN_EINVAL);
    ck_assert_int_eq(pin(l1, FRAME_SEG), -XEN_EINVAL);
    ck_assert_int_eq(pin(l3, FRAME_L3), 0);
    ck_assert_int_eq(update(l4, 1, entry(l2, P)), -XEN_EINVAL);
    ck_assert_int_eq(update(l2, 1, entry(l2, P | RW)), -XEN_EINVAL);
}
END_TEST

START_TEST(release_goes_all_the_way_down)
{
    set_up();
    machine_poke(l1, 0, entry(data[0], P | RW));
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    ck_assert_uint_eq(frame(data[0])->type_refs, 1);
    machine_drop(1, 0);
    machine_audit();
    ck_assert_uint_eq(frame(data[0])->type_refs, 0);
    ck_assert_uint_eq(frame(l1)->refs, 1);
    /* What were tables are pages again. */
    machine_poke(data[1], 0, entry(l4, P | RW));
    machine_poke(data[1], 1, entry(l1, P | RW));
    ck_assert_int_eq(pin(data[1], FRAME_L1), 0);
}
END_TEST

START_TEST(a_table_shared_by_two_trees_stays_for_the_second)
{
    set_up();
    machine_poke(data[0], 0, entry(l3, P));
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    ck_assert_int_eq(pin(data[0], FRAME_L4), 0);
    machine_drop(1, 0);
    machine_audit();
    ck_assert_uint_eq(frame(l1)->type_refs, 1);
    machine_drop(1, 0);
    machine_audit();
    ck_assert_uint_eq(frame(l1)->type_refs, 0);
}
END_TEST

/* ---- the hypervisor's slots, linear tables ---- */

START_TEST(hypervisor_slots_of_an_l4)
{
    set_up();
    machine_poke(l4, 256, entry(data[0], P | RW | PSE)); /* whatever stood there is overwritten */
    machine_poke(l4, 271, entry(l4, P | RW));
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    ck_assert_uint_eq(frame(data[0])->refs, 1);
    for (u32 slot = 256; slot <= 271; slot++) {
        u64 before = machine_peek(l4, slot);

        ck_assert_int_eq(update(l4, slot, 0), -XEN_EINVAL);
        ck_assert_int_eq(update(l4, slot, entry(l3, P | RW)), -XEN_EINVAL);
        ck_assert_uint_eq(machine_peek(l4, slot), before);
    }
    ck_assert_int_eq(update(l4, 255, entry(l3, P | RW)), 0);
    ck_assert_int_eq(update(l4, 272, entry(l3, P | RW)), 0);
}
END_TEST

START_TEST(linear_tables)
{
    set_up();
    machine_poke(l4, 300, entry(l4, P | RW));
    ck_assert_int_eq(pin(l4, FRAME_L4), -XEN_EINVAL); /* writable: no */
    machine_poke(l4, 300, entry(l4, P));
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    ck_assert_uint_eq(frame(l4)->type_refs, 1); /* the pin alone: its own entry holds nothing */
    /* Another L4 may name it, but then no third one may name that. */
    machine_poke(data[0], 300, entry(l4, P));
    ck_assert_int_eq(pin(data[0], FRAME_L4), 0);
    machine_poke(data[1], 300, entry(data[0], P));
    ck_assert_int_eq(pin(data[1], FRAME_L4), -XEN_EINVAL);
    ck_assert_int_eq(update(l4, 301, entry(data[0], P)),
                     -XEN_EINVAL); /* nor it the one that names it */
    /* A table that is not validated as such can't be named. */
    ck_assert_int_eq(update(data[0], 301, entry(data[2], P)), 0); /* taken for an (empty) L3 */
    ck_assert_uint_eq(frame(data[2])->type, FRAME_L3);
    /* The one named goes last. */
    machine_drop(1, 0);
    machine_audit();
    ck_assert_uint_eq(frame(l4)->type_refs, 1);
    machine_drop(1, 0);
    machine_audit();
    ck_assert_uint_eq(frame(l4)->type_refs, 0);
    ck_assert_uint_eq(frame(l1)->type_refs, 0);
}
END_TEST

START_TEST(linear_tables_below_l4)
{
    set_up();
    machine_poke(l3, 9, entry(l3, P));
    machine_poke(l2, 9, entry(l2, P));
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    machine_drop(1, 0);
    machine_audit();
    ck_assert_uint_eq(frame(l2)->type_refs, 0);
}
END_TEST

/* ---- updates ---- */

START_TEST(updates_of_ordinary_frames_are_plain_stores)
{
    set_up();
    ck_assert_int_eq(update(data[0], 3, 0x1234567), 0); /* no type */
    ck_assert_uint_eq(machine_peek(data[0], 3), 0x1234567);
    ck_assert_int_eq(pin(l1, FRAME_L1), 0);
    ck_assert_int_eq(update(l1, 0, entry(data[0], P | RW)), 0);
    ck_assert_int_eq(update(data[0], 3, 0x7654321), 0); /* writable */
    ck_assert_int_eq(pin(data[1], FRAME_SEG), 0);
    ck_assert_int_eq(update(data[1], 3, 0x1234567), -XEN_EINVAL); /* a descriptor page */
    ck_assert_int_eq(update(MFN(MACHINE_RAM), 0, 0), -XEN_EINVAL);
    ck_assert_int_eq(update(MFN(~0UL >> 12), 0, 0), -XEN_EINVAL);
}
END_TEST

START_TEST(accessed_and_dirty_can_be_kept)
{
    set_up();
    machine_poke(l1, 0, entry(data[0], P | RW | U | A | D));
    ck_assert_int_eq(pin(l1, FRAME_L1), 0);
    memory_enter(m);
    ck_assert_int_eq(update_entry(m, m, l1.n << 12, entry(data[0], P | U), true, NULL), 0);
    memory_leave(m);
    ck_assert_uint_eq(machine_peek(l1, 0), entry(data[0], P | U | A | D));
    ck_assert_int_eq(update(l1, 0, entry(data[0], P | U)), 0);
    ck_assert_uint_eq(machine_peek(l1, 0), entry(data[0], P | U));
    machine_audit();
}
END_TEST

START_TEST(a_change_above_l1_flushes_and_one_in_l1_does_not)
{
    set_up();
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    u32 before = machine_flushes;
    ck_assert_int_eq(update(l1, 0, entry(data[0], P | RW)), 0);
    ck_assert_int_eq(update(l1, 0, 0), 0);
    ck_assert_int_eq(update(l3, 1, entry(l2, P | RW)),
                     0); /* nothing was there: nothing can be cached */
    ck_assert_uint_eq(machine_flushes, before);
    ck_assert_int_eq(update(l3, 1, 0), 0);
    ck_assert_uint_eq(machine_flushes, before + 1);
}
END_TEST

static s64 store_if(u32 index, pte_t *seen, pte_t e)
{
    ck_assert(memory_enter(m));
    s64 error = update_l1_if(m, (pte_t *)mfn_to_virt(l1) + index, seen, e);
    memory_leave(m);
    return error;
}

START_TEST(a_store_by_emulation)
{
    pte_t seen = 0;

    set_up();
    ck_assert_int_eq(pin(l1, FRAME_L1), 0);
    ck_assert_int_eq(store_if(1, &seen, entry(data[0], P | RW)), 0);
    ck_assert_uint_eq(machine_peek(l1, 1), entry(data[0], P | RW | U | KERNEL));
    machine_audit();
    /* The entry is no longer what the emulated instruction saw. */
    ck_assert_int_eq(store_if(1, &seen, entry(data[1], P)), -XEN_EAGAIN);
    ck_assert_uint_eq(seen, entry(data[0], P | RW | U | KERNEL));
    machine_audit();
    ck_assert_int_eq(store_if(1, &seen, entry(l1, P | RW)), -XEN_EBUSY);
    machine_audit();
}
END_TEST

START_TEST(finding_the_l1_entry_of_an_address)
{
    const u64 linear = 300UL << 39 | 0xffffUL << 48;

    set_up();
    machine_poke(l4, 300, entry(l4, P));
    ck_assert_int_eq(pin(l4, FRAME_L4), 0);
    ck_assert_ptr_eq(update_find_l1(m, l4.n << 12, 5 << 12), (u64 *)mfn_to_virt(l1) + 5);
    ck_assert_ptr_null(update_find_l1(m, l4.n << 12, 1UL << 21));
    ck_assert_ptr_null(update_find_l1(m, l4.n << 12, 0xffff800000000000UL)); /* the hypervisor's */
    ck_assert_ptr_null(update_find_l1(m, l4.n << 12, 0x0000800000000000UL)); /* non-canonical */
    ck_assert_ptr_null(update_find_l1(m, l4.n << 12, linear)); /* an L2, seen as an L1 */
    ck_assert_ptr_null(
        update_find_l1(m, l4.n << 12, linear | 256UL << 30)); /* through a hypervisor slot */
}
END_TEST

/* ---- two domains, devices ---- */

START_TEST(a_privileged_domain_maps_anothers_page)
{
    mfn_t own[2];

    set_up();
    struct domain_memory *d0 = machine_new_domain(0, true, 2, 2, own);
    ck_assert_int_eq(machine_hold(0, own[0], FRAME_L1), 0);
    ck_assert(memory_enter_pair(d0, m));
    ck_assert_int_eq(update_entry(d0, m, own[0].n << 12, entry(data[0], P | RW), false, NULL), 0);
    ck_assert_int_eq(update_entry(d0, m, own[0].n << 12 | 8, entry(own[1], P | RW), false, NULL),
                     -XEN_EBUSY);
    memory_leave_pair(d0, m);
    machine_audit();
    ck_assert_int_eq(pin(data[0], FRAME_L1), -XEN_EINVAL);
    /* The mapping goes, and with it what the other domain's CPU has cached, before the page becomes a table. */
    ck_assert(memory_enter(d0));
    ck_assert_int_eq(update_entry(d0, d0, own[0].n << 12, 0, false, NULL), 0);
    memory_leave(d0);
    ck_assert_int_eq(pin(data[0], FRAME_L1), 0);
}
END_TEST

START_TEST(a_mapped_page_outlives_its_domain)
{
    mfn_t own[1];

    set_up();
    struct domain_memory *d0 = machine_new_domain(0, true, 1, 1, own);
    ck_assert_int_eq(machine_hold(0, own[0], FRAME_L1), 0);
    ck_assert(memory_enter_pair(d0, m));
    ck_assert_int_eq(update_entry(d0, m, own[0].n << 12, entry(data[0], P | RW), false, NULL), 0);
    memory_leave_pair(d0, m);
    machine_end_domain(1);
    ck_assert_uint_eq(frame(data[0])->owner, OWNER_LIMBO);
    machine_end_domain(0);
    ck_assert_uint_eq(frame(data[0])->owner, OWNER_FREE);
    ck_assert_uint_eq(alloc_stats().free, MACHINE_RAM - 1);
    ck_assert_uint_eq(alloc_stats().promised, 0);
}
END_TEST

START_TEST(device_memory_is_for_the_privileged)
{
    mfn_t own[2];

    set_up();
    device_init(39);
    device_reserve(MFN(0xfee00), 1);
    struct domain_memory *d0 = machine_new_domain(0, true, 2, 2, own);
    ck_assert_int_eq(machine_hold(0, own[0], FRAME_L1), 0);
    static const struct {
        u64 mfn;
        s64 answer;
    } rows[] = { { MACHINE_RAM, 0 },
                 { 0xb8, -XEN_EBUSY }, /* RAM here, and not its own */
                 { 0xfedff, 0 },
                 { 0xfee00, -XEN_EPERM },
                 { 0xfee01, 0 },
                 { (1UL << 27) - 1, 0 },
                 { 1UL << 27, -XEN_EPERM }, /* beyond 39 bits */
                 { (1UL << 40) - 1, -XEN_EINVAL } };
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        memory_enter(d0);
        ck_assert_int_eq(update_entry(d0, d0, own[0].n << 12 | i << 3,
                                      rows[i].mfn << 12 | P | RW | PCD | PWT, false, NULL),
                         rows[i].answer);
        memory_leave(d0);
        machine_audit();
    }
    machine_end_domain(0);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, flags_of_l1_entries);
    tcase_add_test(tests, flags_above_l1);
    tcase_add_test(tests, entries_are_adjusted);
    tcase_add_test(tests, a_refused_tree_is_left_as_it_was);
    tcase_add_test(tests, frames_that_an_l1_may_not_map);
    tcase_add_test(tests, a_page_table_is_never_writable);
    tcase_add_test(tests, what_is_writable_becomes_no_table);
    tcase_add_test(tests, a_table_that_maps_itself);
    tcase_add_test(tests, one_type_at_a_time);
    tcase_add_test(tests, release_goes_all_the_way_down);
    tcase_add_test(tests, a_table_shared_by_two_trees_stays_for_the_second);
    tcase_add_test(tests, hypervisor_slots_of_an_l4);
    tcase_add_test(tests, linear_tables);
    tcase_add_test(tests, linear_tables_below_l4);
    tcase_add_test(tests, updates_of_ordinary_frames_are_plain_stores);
    tcase_add_test(tests, accessed_and_dirty_can_be_kept);
    tcase_add_test(tests, a_change_above_l1_flushes_and_one_in_l1_does_not);
    tcase_add_test(tests, a_store_by_emulation);
    tcase_add_test(tests, finding_the_l1_entry_of_an_address);
    tcase_add_test(tests, a_privileged_domain_maps_anothers_page);
    tcase_add_test(tests, a_mapped_page_outlives_its_domain);
    tcase_add_test(tests, device_memory_is_for_the_privileged);
}
