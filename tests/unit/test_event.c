/*
 * domain/event*.c: the state machine of ports, who is told, and what is left when a domain ends.
 */
#include "event_machine.h"

/* ---- raising ---- */

START_TEST(raising_sets_pending_selector_and_upcall_and_tells_once)
{
    setup();
    for (u32 i = 0; i < 70; i++)
        ipi(0, 0);
    u32 port = ipi(0, 1);
    ck_assert_uint_eq(port, 71);
    ck_assert_int_eq(event_send(&domains[0], port), 0);
    ck_assert(event_pending(&domains[0], port));
    ck_assert_uint_eq(info(0, 1)->evtchn_pending_sel, 1UL << (port / 64));
    ck_assert_uint_eq(info(0, 1)->evtchn_upcall_pending, 1);
    ck_assert_uint_eq(info(0, 0)->evtchn_upcall_pending, 0);
    ck_assert_uint_eq(notified[0][1], 1);
    ck_assert_uint_eq(polled[0], 1);
    ck_assert_int_eq(event_send(&domains[0], port), 0);
    ck_assert_uint_eq(notified[0][1], 1);
    ck_assert_uint_eq(polled[0], 1);
}
END_TEST

START_TEST(one_upcall_covers_several_ports)
{
    setup();
    u32 a = ipi(0, 0), b = ipi(0, 0);

    event_send(&domains[0], a);
    event_send(&domains[0], b);
    ck_assert(event_pending(&domains[0], a) && event_pending(&domains[0], b));
    ck_assert_uint_eq(notified[0][0], 1);
    info(0, 0)->evtchn_pending_sel =
        0; /* the guest has taken the word, but has not cleared the flag */
    domains[0].shared->evtchn_pending[0] = 0;
    event_send(&domains[0], a);
    ck_assert_uint_eq(info(0, 0)->evtchn_pending_sel, 1);
    ck_assert_uint_eq(notified[0][0], 1);
}
END_TEST

START_TEST(masked_port_is_pending_and_only_pollers_are_told)
{
    setup();
    u32 port = ipi(0, 0);

    domains[0].shared->evtchn_mask[0] = 1UL << port;
    event_send(&domains[0], port);
    ck_assert(event_pending(&domains[0], port));
    ck_assert_uint_eq(info(0, 0)->evtchn_pending_sel, 0);
    ck_assert_uint_eq(info(0, 0)->evtchn_upcall_pending, 0);
    ck_assert_uint_eq(notified[0][0], 0);
    ck_assert_uint_eq(polled[0], 1);
    ck_assert_int_eq(event_unmask(&domains[0], port), 0);
    ck_assert_uint_eq(domains[0].shared->evtchn_mask[0], 0);
    ck_assert_uint_eq(info(0, 0)->evtchn_pending_sel, 1);
    ck_assert_uint_eq(notified[0][0], 1);
}
END_TEST

START_TEST(unmask_of_an_unmasked_or_quiet_port_tells_nobody)
{
    setup();
    u32 port = ipi(0, 0);

    ck_assert_int_eq(event_unmask(&domains[0], port), 0);
    domains[0].shared->evtchn_mask[0] = 1UL << port;
    ck_assert_int_eq(event_unmask(&domains[0], port), 0);
    domains[0].shared->evtchn_pending[0] = 1UL << port; /* by the guest itself */
    ck_assert_int_eq(event_unmask(&domains[0], port), 0);
    ck_assert_uint_eq(notified[0][0], 0);
    ck_assert_int_eq(event_unmask(&domains[0], EVTCHN_2L_NR_CHANNELS), -XEN_EINVAL);
    ck_assert_int_eq(event_unmask(&domains[0], ~0U), -XEN_EINVAL);
}
END_TEST

START_TEST(interdomain_goes_both_ways)
{
    setup();
    u32 a = unbound(0, 1), b = bind_to(1, 0, a);

    ck_assert(event_pending(&domains[1], b)); /* the new end looks once */
    ck_assert(!event_pending(&domains[0], a));
    take_all(1);
    event_send(&domains[0], a);
    ck_assert(event_pending(&domains[1], b) && !event_pending(&domains[0], a));
    event_send(&domains[1], b);
    ck_assert(event_pending(&domains[0], a));
    ck_assert_uint_eq(notified[0][0], 1);
    ck_assert_uint_eq(holds, 0);
}
END_TEST

START_TEST(vcpu_info_of_its_own_is_where_flags_go)
{
    setup();
    struct vcpu_info own = { 0 };
    u32 port = ipi(2, 1);

    vcpus[2][1].ctx.info = &own;
    event_send(&domains[2], port);
    ck_assert_uint_eq(own.evtchn_upcall_pending, 1);
    ck_assert_uint_eq(domains[2].shared->vcpu_info[1].evtchn_upcall_pending, 0);
}
END_TEST

/* ---- making ---- */

START_TEST(ports_count_from_1_and_the_lowest_free_is_next)
{
    setup();
    ck_assert_uint_eq(ipi(0, 0), 1);
    ck_assert_uint_eq(unbound(0, 1), 2);
    ck_assert_uint_eq(ipi(0, 0), 3);
    ck_assert_int_eq(event_close(&domains[0], 2), 0);
    ck_assert_int_eq(event_close(&domains[0], 1), 0);
    ck_assert_uint_eq(ipi(0, 0), 1);
    ck_assert_uint_eq(ipi(0, 0), 2);
    ck_assert_uint_eq(ipi(0, 0), 4);
}
END_TEST

START_TEST(there_are_4095_ports_and_then_no_more)
{
    setup();
    u32 port = 0;

    for (u32 i = 1; i < EVTCHN_2L_NR_CHANNELS; i++)
        ck_assert_uint_eq(ipi(0, i % VCPUS), i);
    ck_assert_int_eq(event_bind_ipi(&domains[0], 0, &port), -XEN_ENOSPC);
    ck_assert_int_eq(event_alloc_unbound(&domains[0], 1, &port), -XEN_ENOSPC);
    ck_assert_int_eq(event_send(&domains[0], EVTCHN_2L_NR_CHANNELS - 1), 0);
    ck_assert(event_pending(&domains[0], EVTCHN_2L_NR_CHANNELS - 1));
    ck_assert_int_eq(event_close(&domains[0], 77), 0);
    ck_assert_uint_eq(ipi(0, 0), 77);
}
END_TEST

START_TEST(no_memory_is_no_space)
{
    setup();
    u32 port = 0;

    pages_left = 0;
    for (u32 i = 1; i < EVENT_PORTS_PER_PAGE; i++)
        ipi(0, 0);
    ck_assert_int_eq(event_bind_ipi(&domains[0], 0, &port), -XEN_ENOSPC);
    pages_left = 1;
    ck_assert_uint_eq(ipi(0, 0), EVENT_PORTS_PER_PAGE);
}
END_TEST

START_TEST(connecting_wants_an_unbound_port_made_for_the_caller)
{
    setup();
    u32 port = 0, for_2 = unbound(0, 2), own = ipi(0, 0);

    ck_assert_int_eq(event_bind_interdomain(&domains[1], 0, for_2, &port), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_interdomain(&domains[2], 0, own, &port), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_interdomain(&domains[2], 0, 0, &port), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_interdomain(&domains[2], 0, 200, &port), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_interdomain(&domains[2], 0, ~0U, &port), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_interdomain(&domains[2], 7, for_2, &port), -XEN_ESRCH);
    bind_to(2, 0, for_2);
    ck_assert_int_eq(event_bind_interdomain(&domains[2], 0, for_2, &port), -XEN_EINVAL);
    ck_assert_uint_eq(holds, 0);
}
END_TEST

START_TEST(loopback)
{
    setup();
    u32 a = unbound(1, 1), port = 0;
    s64 error = event_bind_interdomain(&domains[1], DOMID_SELF, a, &port);
    u32 b = made(error, &port);

    take_all(1);
    event_send(&domains[1], a);
    ck_assert(event_pending(&domains[1], b) && !event_pending(&domains[1], a));
    ck_assert_uint_eq(status_of(1, b).u.interdomain.port, a);
    ck_assert_int_eq(event_close(&domains[1], a), 0);
    ck_assert_uint_eq(status_of(1, b).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(status_of(1, b).u.unbound.dom, 1);
    /* A port can't be connected with itself: the next free one is closed and reopened by nobody. */
    ck_assert_int_eq(event_bind_interdomain(&domains[1], 1, a, &port), -XEN_EINVAL);
}
END_TEST

START_TEST(virqs)
{
    setup();
    u32 port = 0;

    ck_assert(!event_virq(&vcpus[0][0], VIRQ_TIMER));
    u32 timer0 = virq(0, VIRQ_TIMER, 0), timer1 = virq(0, VIRQ_TIMER, 1);
    ck_assert_int_eq(event_bind_virq(&domains[0], VIRQ_TIMER, 1, &port), -XEN_EEXIST);
    ck_assert_int_eq(event_bind_virq(&domains[0], VIRQ_TIMER, VCPUS, &port), -XEN_ENOENT);
    ck_assert_int_eq(event_bind_virq(&domains[0], VIRQ_CONSOLE, 1, &port), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_virq(&domains[0], VIRQ_CONSOLE, VCPUS, &port), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_virq(&domains[0], NR_VIRQS, 0, &port), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_virq(&domains[0], ~0U, 0, &port), -XEN_EINVAL);
    ck_assert(event_virq(&vcpus[0][1], VIRQ_TIMER));
    ck_assert(event_pending(&domains[0], timer1) && !event_pending(&domains[0], timer0));
    ck_assert_uint_eq(notified[0][1], 1);
    ck_assert_int_eq(event_send(&domains[0], timer1), -XEN_EINVAL); /* not for the guest to send */
    ck_assert_int_eq(event_close(&domains[0], timer1), 0);
    ck_assert(!event_virq(&vcpus[0][1], VIRQ_TIMER));
    ck_assert(!event_pending(&domains[0], timer1));
    virq(0, VIRQ_TIMER, 1);
}
END_TEST

START_TEST(global_virq_moves_and_closes)
{
    setup();
    u32 port = virq(0, VIRQ_DOM_EXC, 0);

    ck_assert_int_eq(event_bind_vcpu(&domains[0], port, 1), 0);
    event_virq_initial(VIRQ_DOM_EXC);
    ck_assert_uint_eq(notified[0][1], 1);
    ck_assert_uint_eq(notified[0][0], 0);
    ck_assert_int_eq(event_close(&domains[0], port), 0);
    ck_assert_uint_eq(virq(0, VIRQ_DOM_EXC, 0), port);
    ck_assert_uint_eq(holds, 0);
}
END_TEST

START_TEST(bind_vcpu_is_for_what_can_move)
{
    setup();
    u32 a = unbound(0, 1), i = ipi(0, 1), t = virq(0, VIRQ_TIMER, 0);

    ck_assert_int_eq(event_bind_vcpu(&domains[0], a, VCPUS), -XEN_ENOENT);
    ck_assert_int_eq(event_bind_vcpu(&domains[0], i, 0), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_vcpu(&domains[0], t, 1), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_vcpu(&domains[0], 0, 1), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_vcpu(&domains[0], 99, 1), -XEN_EINVAL);
    ck_assert_int_eq(event_bind_vcpu(&domains[0], a, 1), 0);
    u32 b = bind_to(1, 0, a);
    event_send(&domains[1], b);
    ck_assert_uint_eq(notified[0][1], 1);
    ck_assert_int_eq(event_bind_vcpu(&domains[0], a, 0), 0);
    take_all(0);
    event_send(&domains[1], b);
    ck_assert_uint_eq(notified[0][0], 1);
}
END_TEST

START_TEST(status_of_every_kind)
{
    setup();
    struct evtchn_status s = { .port = ~0U };
    u32 a = unbound(0, 7), i = ipi(0, 1), v = virq(0, VIRQ_DEBUG, 1), h = 0;

    ck_assert_int_eq(event_bind_hypervisor(&domains[0], &h), 0);
    ck_assert_int_eq(event_status(&domains[0], &s), -XEN_EINVAL);
    ck_assert_uint_eq(status_of(0, 0).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status_of(0, 100).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status_of(0, a).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(status_of(0, a).u.unbound.dom, 7);
    ck_assert_uint_eq(status_of(0, i).status, EVTCHNSTAT_ipi);
    ck_assert_uint_eq(status_of(0, i).vcpu, 1);
    ck_assert_uint_eq(status_of(0, v).status, EVTCHNSTAT_virq);
    ck_assert_uint_eq(status_of(0, v).u.virq, VIRQ_DEBUG);
    ck_assert_uint_eq(status_of(0, h).status, EVTCHNSTAT_interdomain);
    ck_assert_uint_eq(status_of(0, h).u.interdomain.dom, DOMID_XEN);
}
END_TEST

START_TEST(sending_on_what_is_no_channel)
{
    setup();
    u32 a = unbound(0, 1);

    ck_assert_int_eq(event_send(&domains[0], a), 0); /* nobody hears it */
    ck_assert(!event_pending(&domains[0], a));
    ck_assert_int_eq(event_send(&domains[0], 0), -XEN_EINVAL);
    ck_assert_int_eq(event_send(&domains[0], a + 1), -XEN_EINVAL);
    ck_assert_int_eq(event_send(&domains[0], EVENT_PORTS_PER_PAGE), -XEN_EINVAL);
    ck_assert_int_eq(event_send(&domains[0], ~0U), -XEN_EINVAL);
}
END_TEST

/* ---- the hypervisor's end ---- */

START_TEST(hypervisor_port_is_served_until_it_is_closed)
{
    setup();
    u32 h = 0;

    ck_assert_int_eq(event_bind_hypervisor(&domains[1], &h), 0);
    ck_assert_int_eq(event_send(&domains[1], h), 0);
    ck_assert_uint_eq(ring_sends, 1);
    event_raise(&domains[1], h);
    ck_assert(event_pending(&domains[1], h));
    ck_assert_int_eq(event_close(&domains[1], h), 0);
    ck_assert_uint_eq(ring_ends, 1);
    event_raise(&domains[1], h);
    ck_assert(!event_pending(&domains[1], h));
}
END_TEST

START_TEST(privileged_domain_takes_the_hypervisors_end_over)
{
    setup();
    u32 h = 0, port = 0;

    ck_assert_int_eq(event_bind_hypervisor(&domains[1], &h), 0);
    ck_assert_int_eq(event_bind_interdomain(&domains[2], 1, h, &port), -XEN_EINVAL);
    domains[0].privileged = true;
    u32 p = bind_to(0, 1, h);
    ck_assert_uint_eq(ring_ends, 1);
    ck_assert_int_eq(event_send(&domains[1], h), 0);
    ck_assert_uint_eq(ring_sends, 0);
    ck_assert(event_pending(&domains[0], p));
    ck_assert_uint_eq(status_of(1, h).u.interdomain.dom, 0);
}
END_TEST

/* ---- closing ---- */

START_TEST(closed_port_is_gone_and_its_event_too)
{
    setup();
    u32 a = unbound(0, 1), b = bind_to(1, 0, a);

    event_send(&domains[1], b);
    ck_assert(event_pending(&domains[0], a));
    ck_assert_int_eq(event_close(&domains[0], a), 0);
    ck_assert(!event_pending(&domains[0], a));
    ck_assert_int_eq(event_close(&domains[0], a), -XEN_EINVAL);
    ck_assert_int_eq(event_close(&domains[0], 0), -XEN_EINVAL);
    ck_assert_int_eq(event_close(&domains[0], ~0U), -XEN_EINVAL);
    ck_assert_uint_eq(status_of(1, b).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(status_of(1, b).u.unbound.dom, 0);
    ck_assert_int_eq(event_send(&domains[1], b), 0);
    /* And the one who closed may come back to it, but nobody else. */
    u32 port = 0;
    ck_assert_int_eq(event_bind_interdomain(&domains[2], 1, b, &port), -XEN_EINVAL);
    bind_to(0, 1, b);
    ck_assert_uint_eq(holds, 0);
}
END_TEST

START_TEST(reset_closes_all_and_stops_for_work)
{
    setup();
    for (u32 i = 0; i < 40; i++)
        bind_to(1, 0, unbound(0, 1));
    work_comes = true;
    ck_assert_int_eq(event_reset(&domains[0]), -XEN_ERESTART);
    u32 left = 0;
    for (u32 i = 1; i <= 40; i++)
        left += status_of(0, i).status != EVTCHNSTAT_closed;
    ck_assert_uint_eq(left, 40 - CLOSE_BATCH);
    work_comes = false;
    ck_assert_int_eq(event_reset(&domains[0]), 0);
    for (u32 i = 1; i <= 40; i++) {
        ck_assert_uint_eq(status_of(0, i).status, EVTCHNSTAT_closed);
        ck_assert_uint_eq(status_of(1, i).status, EVTCHNSTAT_unbound);
    }
    ck_assert_uint_eq(ipi(0, 0), 1);
}
END_TEST

START_TEST(end_of_a_domain_in_steps)
{
    setup();
    u32 port = 0, steps = 0;

    for (u32 i = 0; i < 40; i++)
        bind_to(1, 0, unbound(0, 1));
    u32 waiting = unbound(0, 2);
    virq(0, VIRQ_TIMER, 1);
    work_comes = true;
    while (!event_destroy(&domains[0])) {
        steps++;
        ck_assert_int_eq(event_alloc_unbound(&domains[0], 1, &port), -XEN_ESRCH);
    }
    ck_assert_uint_eq(steps, 42 / CLOSE_BATCH);
    ck_assert(event_destroy(&domains[0]));
    ck_assert_uint_eq(pages_freed, 1);
    ck_assert(!event_virq(&vcpus[0][1], VIRQ_TIMER));
    ck_assert_int_eq(event_send(&domains[1], 5), 0);
    ck_assert_int_eq(event_bind_interdomain(&domains[2], 0, waiting, &port), -XEN_EINVAL);
    ck_assert_uint_eq(status_of(1, 1).status, EVTCHNSTAT_unbound);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, raising_sets_pending_selector_and_upcall_and_tells_once);
    tcase_add_test(tests, one_upcall_covers_several_ports);
    tcase_add_test(tests, masked_port_is_pending_and_only_pollers_are_told);
    tcase_add_test(tests, unmask_of_an_unmasked_or_quiet_port_tells_nobody);
    tcase_add_test(tests, interdomain_goes_both_ways);
    tcase_add_test(tests, vcpu_info_of_its_own_is_where_flags_go);
    tcase_add_test(tests, ports_count_from_1_and_the_lowest_free_is_next);
    tcase_add_test(tests, there_are_4095_ports_and_then_no_more);
    tcase_add_test(tests, no_memory_is_no_space);
    tcase_add_test(tests, connecting_wants_an_unbound_port_made_for_the_caller);
    tcase_add_test(tests, loopback);
    tcase_add_test(tests, virqs);
    tcase_add_test(tests, global_virq_moves_and_closes);
    tcase_add_test(tests, bind_vcpu_is_for_what_can_move);
    tcase_add_test(tests, status_of_every_kind);
    tcase_add_test(tests, sending_on_what_is_no_channel);
    tcase_add_test(tests, hypervisor_port_is_served_until_it_is_closed);
    tcase_add_test(tests, privileged_domain_takes_the_hypervisors_end_over);
    tcase_add_test(tests, closed_port_is_gone_and_its_event_too);
    tcase_add_test(tests, reset_closes_all_and_stops_for_work);
    tcase_add_test(tests, end_of_a_domain_in_steps);
}
