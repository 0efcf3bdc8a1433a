/*
 * domain/event*.c under hostile sequences of operations by three domains, compared after each with rules that say nothing about how ports
 * are kept.
 */
#include "event_machine.h"

static u64 seed;

static u32 dice(u32 sides)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(seed >> 33) % sides;
}

static u32 some_port(void)
{
    static const u32 odd[] = { 0, ~0U, EVTCHN_2L_NR_CHANNELS, EVENT_PORTS_PER_PAGE, 1U << 31 };

    return dice(20) ? dice(24) : odd[dice(ARRAY_SIZE(odd))];
}

static void random_operation(void)
{
    struct domain *d = &domains[dice(DOMAINS)];
    struct evtchn_status s = { .port = some_port() };
    u32 port = 0;
    u16 remote = dice(10) ? dice(DOMAINS) : dice(2) ? DOMID_SELF : 9;

    switch (dice(12)) {
    case 0:
        event_alloc_unbound(d, remote, &port);
        break;
    case 1:
    case 2:
        event_bind_interdomain(d, remote, some_port(), &port);
        break;
    case 3:
        event_bind_virq(d, dice(NR_VIRQS + 1), dice(VCPUS + 1), &port);
        break;
    case 4:
        event_bind_ipi(d, dice(VCPUS + 1), &port);
        break;
    case 5:
    case 6:
        event_close(d, some_port());
        break;
    case 7:
        event_bind_vcpu(d, some_port(), dice(VCPUS + 1));
        break;
    case 8:
        event_unmask(d, some_port());
        break;
    case 9:
        event_status(d, &s);
        break;
    case 10:
        event_virq(d->vcpus[dice(VCPUS)], dice(NR_VIRQS));
        break;
    default:
        event_send(d, some_port());
        break;
    }
    d->shared->evtchn_mask[0] ^= 1UL << dice(24); /* the guest scribbles */
    d->shared->evtchn_pending[0] ^= 1UL << dice(24);
    info(d->id, dice(VCPUS))->evtchn_pending_sel = dice(3);
}

/* Both ends of a connection name each other; a virtual interrupt and its port do; vCPUs exist; a free port is none. */
static void check_port(u32 d, u32 port)
{
    struct evtchn_status s = status_of(d, port);

    ck_assert_uint_lt(s.vcpu, VCPUS);
    if (s.status == EVTCHNSTAT_interdomain) {
        struct evtchn_status peer = status_of(s.u.interdomain.dom, s.u.interdomain.port);
        ck_assert_uint_eq(peer.status, EVTCHNSTAT_interdomain);
        ck_assert_uint_eq(peer.u.interdomain.dom, d);
        ck_assert_uint_eq(peer.u.interdomain.port, port);
    }
    if (s.status == EVTCHNSTAT_virq) {
        u32 v = event_virq_is_global(s.u.virq) ? 0 : s.vcpu;
        ck_assert_uint_eq(vcpus[d][v].virq_port[s.u.virq], port);
    }
}

static void check_all(void)
{
    u32 bound = 0, bound_ports = 0;

    for (u32 d = 0; d < DOMAINS; d++) {
        for (u32 port = 0; port < EVENT_PORTS_PER_PAGE; port++) {
            check_port(d, port);
            bound_ports += status_of(d, port).status == EVTCHNSTAT_virq;
        }
        ck_assert_uint_eq(status_of(d, 0).status, EVTCHNSTAT_closed);
        for (u32 v = 0; v < VCPUS; v++)
            for (u32 q = 0; q < NR_VIRQS; q++)
                bound += vcpus[d][v].virq_port[q] != 0;
        ck_assert(!spin_is_locked(&domains[d].events.lock));
    }
    ck_assert_uint_eq(bound, bound_ports);
    ck_assert_uint_eq(holds, 0);
}

START_TEST(random_sequences_keep_both_ends_together)
{
    for (u64 start = 1; start <= 20; start++) {
        seed = start;
        setup();
        for (u32 i = 0; i < 2000; i++) {
            random_operation();
            if (i % 20 == 0)
                check_all();
        }
        work_comes = true;
        while (!event_destroy(&domains[1]))
            ;
        for (u32 d = 0; d < DOMAINS; d += 2)
            for (u32 port = 0; port < EVENT_PORTS_PER_PAGE; port++)
                ck_assert(status_of(d, port).status != EVTCHNSTAT_interdomain ||
                          status_of(d, port).u.interdomain.dom != 1);
    }
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, random_sequences_keep_both_ends_together);
}
