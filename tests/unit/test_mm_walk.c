/*
 * Walks over trees that stop and go on, and what becomes of their results (mm/walk.h).
 */
#include "mm_tree.h"

START_TEST(an_interrupted_pin_goes_on_where_it_stopped)
{
    struct walk_result *result = &machine_domain[1].results[0];
    u32 rounds = 0;
    s64 error;

    set_up();
    for (u32 i = 1; i < 10; i++)
        machine_poke(l2, i, entry(data[i], P)); /* ten L1s in all: at least as many steps */
    machine_interrupts = 1;
    do {
        if (!memory_enter(m))
            error = -XEN_ERESTART;
        else {
            error = type_get(m, l4, FRAME_L4, result);
            if (!error)
                machine_domain[1].held[machine_domain[1].nr_held++] = l4;
            memory_leave(m);
        }
        machine_audit();
        rounds++;
    } while (error == -XEN_ERESTART);
    ck_assert_int_eq(error, 0);
    ck_assert_uint_gt(rounds, 10);
    ck_assert_uint_lt(rounds, 40);
    /* Likewise the way back; the page tables are released by whoever comes next. */
    ck_assert(memory_enter(m));
    machine_domain[1].nr_held--;
    type_put(m, l4);
    memory_leave(m);
    for (rounds = 0; !memory_enter(m); rounds++)
        machine_audit();
    memory_leave(m);
    ck_assert_uint_gt(rounds, 8);
    ck_assert_uint_eq(frame(l1)->type_refs, 0);
}
END_TEST

START_TEST(two_askers_do_not_undo_each_others_work)
{
    struct walk_result *a = &machine_domain[1].results[0], *b = &machine_domain[1].results[1];
    bool done_a = false, done_b = false;

    set_up();
    machine_interrupts = 1;
    machine_poke(data[0], 0, entry(data[1], P));
    machine_poke(data[1], 0, entry(data[2], P));
    machine_poke(data[2], 0, entry(data[3], P));
    for (u32 i = 0; i < 60 && !(done_a && done_b); i++) {
        mfn_t root = i % 2 ? l4 : data[0];
        bool *done = i % 2 ? &done_a : &done_b;

        if (!*done && memory_enter(m)) {
            *done = type_get(m, root, FRAME_L4, i % 2 ? a : b) == 0;
            if (*done)
                machine_domain[1].held[machine_domain[1].nr_held++] = root;
            memory_leave(m);
        }
        machine_audit();
    }
    ck_assert(done_a && done_b);
}
END_TEST

START_TEST(a_result_that_nobody_fetches_is_dropped)
{
    struct walk_result *result = &machine_domain[1].results[0];

    set_up();
    machine_interrupts = 1;
    ck_assert(memory_enter(m));
    ck_assert_int_eq(type_get(m, l4, FRAME_L4, result), -XEN_ERESTART);
    memory_leave(m);
    while (!memory_enter(m)) /* another vCPU finishes it */
        ;
    memory_leave(m);
    machine_audit();
    ck_assert_uint_eq(frame(l4)->type_refs, 1);
    machine_interrupts = 0;
    ck_assert_int_eq(machine_hold(1, data[0], FRAME_L4),
                     0); /* the asker wants something else now */
    machine_audit();
    ck_assert_uint_eq(frame(l4)->type_refs, 0);
}
END_TEST

START_TEST(a_forgotten_result_was_all_that_kept_the_table)
{
    struct walk_result *result = &machine_domain[1].results[0];
    s64 error;

    set_up();
    machine_poke(l2, 1, entry(data[0], P));
    machine_interrupts = 1;
    ck_assert(memory_enter(m));
    ck_assert_int_eq(type_get(m, l2, FRAME_L2, result), -XEN_ERESTART);
    memory_leave(m);
    while (!memory_enter(m))
        ;
    machine_interrupts = 0;
    ck_assert_uint_eq(frame(l2)->type_refs, 1); /* the result's */
    /* Now the asker changes that very table, without having fetched the result. */
    error = update_entry(m, m, l2.n << 12 | 1 << 3, entry(data[1], P), false, result);
    memory_leave(m);
    ck_assert_int_eq(error, -XEN_ERESTART);
    machine_audit();
    ck_assert_int_eq(update(l2, 1, entry(data[1], P)),
                     0); /* a plain store: it is no table any more */
    ck_assert_uint_eq(frame(data[1])->refs, 1);
}
END_TEST

START_TEST(a_result_for_a_page_given_up_is_dropped)
{
    struct walk_result *result = &machine_domain[1].results[0];

    set_up();
    machine_interrupts = 1;
    ck_assert(memory_enter(m));
    ck_assert_int_eq(type_get(m, l4, FRAME_L4, result), -XEN_ERESTART);
    memory_leave(m);
    while (!memory_enter(m))
        ;
    machine_interrupts = 0;
    memory_free_page(m, frame(l4));
    ck_assert_uint_eq(frame(l4)->owner, OWNER_LIMBO);
    ck_assert_int_eq(type_get(m, l4, FRAME_L4, result), -XEN_ERESTART);
    ck_assert_int_eq(type_get(m, l4, FRAME_L4, result), -XEN_EINVAL);
    memory_leave(m);
    machine_audit();
    ck_assert_uint_eq(frame(l4)->owner, OWNER_FREE);
}
END_TEST

START_TEST(the_builders_pin)
{
    set_up();
    machine_interrupts = 1; /* it doesn't stop */
    ck_assert_int_eq(memory_pin_built_l4(m, l4), 0);
    ck_assert(frame(l4)->flags & FRAME_PINNED);
    machine_audit();
    machine_end_domain(1);
    ck_assert_uint_eq(alloc_stats().free, MACHINE_RAM - 1);
}
END_TEST

START_TEST(counts_do_not_overflow)
{
    set_up();
    ck_assert_int_eq(pin(l1, FRAME_L1), 0);
    frame(data[0])->refs = FRAME_COUNT_MAX;
    ck_assert(memory_enter(m));
    ck_assert_int_eq(update_entry(m, m, l1.n << 12, entry(data[0], P), false, NULL), -XEN_EBUSY);
    frame(data[0])->refs = 1;
    ck_assert_int_eq(update_entry(m, m, l1.n << 12, entry(data[0], P | RW), false, NULL), 0);
    frame(data[0])->type_refs = FRAME_COUNT_MAX;
    ck_assert_int_eq(update_entry(m, m, l1.n << 12 | 8, entry(data[0], P | RW), false, NULL),
                     -XEN_EBUSY);
    frame(data[0])->type_refs = 1;
    memory_leave(m);
    machine_audit();
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, an_interrupted_pin_goes_on_where_it_stopped);
    tcase_add_test(tests, two_askers_do_not_undo_each_others_work);
    tcase_add_test(tests, a_result_that_nobody_fetches_is_dropped);
    tcase_add_test(tests, a_forgotten_result_was_all_that_kept_the_table);
    tcase_add_test(tests, a_result_for_a_page_given_up_is_dropped);
    tcase_add_test(tests, the_builders_pin);
    tcase_add_test(tests, counts_do_not_overflow);
}
