/* The frame allocator: reservations, scrubbing, limbo (mm/alloc.h). */
#include <string.h>

#include "mm_machine.h"

static bool is_zero(mfn_t mfn)
{
    for (u32 i = 0; i < 512; i++)
        if (machine_peek(mfn, i))
            return false;
    return true;
}

START_TEST(boot_gives_all_but_frame_0)
{
    machine_start(1);
    struct alloc_stats s = alloc_stats();
    ck_assert_uint_eq(s.total, MACHINE_RAM - 1);
    ck_assert_uint_eq(s.free, MACHINE_RAM - 1);
    ck_assert_uint_eq(s.promised, 0);
}
END_TEST

START_TEST(pages_are_zero_owned_and_have_one_reference)
{
    mfn_t page[4];

    machine_start(2);
    struct domain_memory *m = machine_new_domain(1, false, 4, 4, page);
    for (u32 i = 0; i < 4; i++) {
        ck_assert(is_zero(page[i]));
        ck_assert_uint_eq(mfn_to_frame(page[i])->refs, 1);
        ck_assert_uint_eq(mfn_to_frame(page[i])->owner, 1);
    }
    ck_assert_uint_eq(m->pages, 4);
    machine_audit();
}
END_TEST

START_TEST(a_domain_gets_its_reservation_and_no_more)
{
    mfn_t page[10];

    machine_start(3);
    struct domain_memory *m = machine_new_domain(1, false, 10, 10, page);
    ck_assert(!mfn_valid(memory_alloc_page(m)));
    machine_audit();
}
END_TEST

START_TEST(memory_cannot_be_overcommitted)
{
    struct domain_memory *a = &machine_domain[0].m, *b = &machine_domain[1].m,
                         *c = &machine_domain[2].m;

    machine_start(4);
    ck_assert(memory_init(a, 0, false, 300));
    ck_assert(!memory_init(b, 1, false, MACHINE_RAM - 1 - 300 + 1));
    ck_assert(memory_init(c, 2, false, MACHINE_RAM - 1 - 300));
    /* All is promised: nothing is left for the hypervisor, but each domain gets every page of its own. */
    ck_assert(!mfn_valid(alloc_koan_page()));
    for (u32 i = 0; i < 300; i++)
        ck_assert(mfn_valid(memory_alloc_page(a)));
    for (u32 i = 0; i < MACHINE_RAM - 1 - 300; i++)
        ck_assert(mfn_valid(memory_alloc_page(c)));
    machine_audit();
    ck_assert(memory_release(b));
}
END_TEST

START_TEST(reservation_can_be_changed)
{
    mfn_t page[8];

    machine_start(5);
    struct domain_memory *m = machine_new_domain(1, false, 8, 8, page);
    ck_assert(!memory_set_max(m, MACHINE_RAM));
    ck_assert_uint_eq(m->max_pages, 8);
    ck_assert(memory_set_max(m, 9));
    ck_assert(mfn_valid(memory_alloc_page(m)));
    ck_assert(memory_set_max(m, 2)); /* below what it has: that stays */
    machine_audit();
    memory_free_page(m, mfn_to_frame(page[0]));
    ck_assert(!mfn_valid(memory_alloc_page(m)));
    machine_audit();
}
END_TEST

START_TEST(a_freed_page_is_scrubbed_before_its_next_owner_sees_it)
{
    mfn_t page[1];

    machine_start(6);
    struct domain_memory *a = machine_new_domain(0, false, 1, 1, page);
    machine_poke(page[0], 17, 0x5ec4e7);
    memory_free_page(a, mfn_to_frame(page[0]));
    ck_assert_uint_eq(machine_peek(page[0], 17), 0x5ec4e7); /* freeing is quick */
    machine_end_domain(0);
    mfn_t next = alloc_koan_page();
    ck_assert_uint_eq(next.n, page[0].n);
    ck_assert(is_zero(next));
    alloc_free_koan_page(next);
    machine_audit();
}
END_TEST

START_TEST(stale_tlb_entries_are_flushed_once_for_a_run_of_pages)
{
    mfn_t page[100];

    machine_start(7);
    struct domain_memory *a = machine_new_domain(0, false, 100, 100, page);
    ck_assert_uint_eq(machine_flushes, 0); /* memory nobody has used yet */
    for (u32 i = 0; i < 100; i++)
        memory_free_page(a, mfn_to_frame(page[i]));
    ck_assert_uint_eq(machine_flushes, 0);
    machine_new_domain(1, false, 100, 100, page);
    ck_assert_uint_eq(machine_flushes, 2); /* each of the two CPUs once */
}
END_TEST

START_TEST(a_page_that_is_still_mapped_waits_in_limbo)
{
    mfn_t page[2];

    machine_start(8);
    struct domain_memory *m = machine_new_domain(1, false, 2, 2, page);
    machine_poke(page[0], 0, page[1].n << 12 | 3);
    ck_assert_int_eq(machine_hold(1, page[0], FRAME_L1), 0);
    memory_free_page(m, mfn_to_frame(page[1]));
    ck_assert_uint_eq(mfn_to_frame(page[1])->owner, OWNER_LIMBO);
    ck_assert_uint_eq(m->pages, 2);              /* it still counts against the reservation */
    ck_assert(!mfn_valid(memory_alloc_page(m))); /* so nothing more is to be had */
    ck_assert(!frame_owned(page[1], 1));         /* and nobody can take a new reference */
    machine_audit();
    machine_drop(1, 0);
    ck_assert_uint_eq(mfn_to_frame(page[1])->owner, OWNER_FREE);
    ck_assert_uint_eq(m->pages, 1);
    ck_assert(mfn_valid(memory_alloc_page(m)));
    machine_audit();
}
END_TEST

START_TEST(shared_pages_belong_to_the_domain_but_not_to_its_reservation)
{
    mfn_t page[1];

    machine_start(9);
    struct domain_memory *m = machine_new_domain(1, false, 1, 1, page);
    mfn_t shared = memory_alloc_shared(m);
    ck_assert(is_zero(shared));
    ck_assert_uint_eq(m->pages, 1);
    ck_assert_uint_eq(alloc_stats().koan, 1);
    /* It can be mapped writable, but never become a table or a descriptor page. */
    machine_poke(page[0], 3, shared.n << 12 | 3);
    ck_assert_int_eq(machine_hold(1, page[0], FRAME_L1), 0);
    machine_drop(1, 0);
    for (u32 type = FRAME_L1; type <= FRAME_SEG; type++)
        ck_assert_int_eq(machine_hold(1, shared, type), -22);
    machine_end_domain(1);
    ck_assert_uint_eq(alloc_stats().koan, 0);
    ck_assert_uint_eq(alloc_stats().free, MACHINE_RAM - 1);
}
END_TEST

START_TEST(m2p_forgets_a_page_that_is_given_up)
{
    mfn_t page[1];

    machine_start(10);
    struct domain_memory *m = machine_new_domain(1, false, 1, 1, page);
    ck_assert_uint_eq(m2p_table[page[0].n], ~0UL);
    m2p_table[page[0].n] = 7;
    memory_free_page(m, mfn_to_frame(page[0]));
    ck_assert_uint_eq(m2p_table[page[0].n], ~0UL);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, boot_gives_all_but_frame_0);
    tcase_add_test(tests, pages_are_zero_owned_and_have_one_reference);
    tcase_add_test(tests, a_domain_gets_its_reservation_and_no_more);
    tcase_add_test(tests, memory_cannot_be_overcommitted);
    tcase_add_test(tests, reservation_can_be_changed);
    tcase_add_test(tests, a_freed_page_is_scrubbed_before_its_next_owner_sees_it);
    tcase_add_test(tests, stale_tlb_entries_are_flushed_once_for_a_run_of_pages);
    tcase_add_test(tests, a_page_that_is_still_mapped_waits_in_limbo);
    tcase_add_test(tests, shared_pages_belong_to_the_domain_but_not_to_its_reservation);
    tcase_add_test(tests, m2p_forgets_a_page_that_is_given_up);
}
