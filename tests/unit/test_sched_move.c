/*
 * vCPUs change CPUs (kernel/domain/sched_move.c, beside sched.c itself) on a machine of four: because their owner says so, because a CPU is idle,
 * because somebody elsewhere deserves a CPU more. Under each policy. context_load() of the machine sees to it that nobody ever runs
 * where he may not, or in two places.
 */
#include "sched_machine.h"

static const struct scheduler *const all[] = { &sched_rr, &sched_bvt, &sched_credit };

/* A handout of lab 3 comes without the credit policy's source. */
#pragma weak sched_credit
#define POLICIES (all[2] ? 3 : 2)

/* The first `n` want to run, and may do so on CPU 0 only. */
static void crowd_on_0(u32 n)
{
    for (u32 i = 0; i < n; i++) {
        confine(&vcpus[i], 1);
        sched_wake(&vcpus[i], WAIT_DOWN);
    }
    settle();
    ck_assert_uint_eq(run_queues[0].q.length, n - 1);
    ck_assert_ptr_nonnull(cpus[0].current);
    check_machine();
    time_now += MS;
}

/* One of them that waits. */
static struct vcpu *waiting(void)
{
    for (u32 i = 0; i < VCPUS; i++)
        if (vcpus[i].unit.queued)
            return &vcpus[i];
    ck_abort_msg("nobody waits");
}

START_TEST(test_confined_while_it_sleeps)
{
    setup(all[_i]);
    for (u32 i = 0; i < VCPUS; i++) {
        confine(&vcpus[i], 1UL << i % 3);
        ck_assert_uint_eq(vcpus[i].cpu, i % 3);
        check_machine();
    }
    ck_assert_uint_eq(run_queues[0].placed + run_queues[1].placed + run_queues[2].placed, VCPUS);
    ck_assert_uint_eq(run_queues[3].placed, 0);
}
END_TEST

START_TEST(test_confined_while_it_waits)
{
    setup(all[_i]);
    crowd_on_0(3);
    struct vcpu *v = waiting();
    confine(v, 1 << 2);
    ck_assert_uint_eq(v->cpu, 2);
    ck_assert_uint_eq(run_queues[0].q.length, 1);
    ck_assert(cpus[2].work & WORK_RESCHED);
    settle();
    ck_assert_ptr_eq(cpus[2].current, v);
    check_machine();
}
END_TEST

/* It goes when it has left its CPU, not before: its registers are there. */
START_TEST(test_confined_while_it_runs)
{
    setup(all[_i]);
    crowd_on_0(2);
    struct vcpu *v = cpus[0].current;
    on = 1;
    confine(v, 1 << 3);
    ck_assert_uint_eq(v->cpu, 0);
    ck_assert_ptr_eq(cpus[0].current, v);
    ck_assert(cpus[0].work & WORK_RESCHED);
    turn(0);
    ck_assert_uint_eq(v->cpu, 3);
    ck_assert_ptr_ne(cpus[0].current, v);
    settle();
    ck_assert_ptr_eq(cpus[3].current, v);
    check_machine();
}
END_TEST

/* An idle CPU takes the one that may come, and none of the others, however long they wait. */
START_TEST(test_idle_cpu_takes_who_may_come)
{
    setup(all[_i]);
    crowd_on_0(5);
    on = 1;
    ck_assert(!sched_steal());
    struct vcpu *v = waiting();
    v->unit.affinity = v->affinity = mask_of(1 | 1 << 1);
    on = 2;
    ck_assert(!sched_steal());
    turn(1);
    ck_assert_ptr_eq(cpus[1].current, v);
    ck_assert_uint_eq(run_queues[0].q.length, 3);
    check_machine();
}
END_TEST

/* Its last CPU still holds its registers. */
START_TEST(test_idle_cpu_leaves_who_is_on_the_way_out)
{
    setup(all[_i]);
    crowd_on_0(2);
    struct vcpu *v = waiting();
    v->unit.affinity = v->affinity = mask_of(1 | 1 << 1);
    v->unit.on_cpu = true;
    on = 1;
    ck_assert(!sched_steal());
    v->unit.on_cpu = false;
    ck_assert(sched_steal());
    check_machine();
}
END_TEST

/* Five that may use two CPUs, beside two idle ones: none has more than another, so they must go to and fro. */
START_TEST(test_balance)
{
    u64 fair = 12000 * 2 / 5;

    setup(all[_i]);
    for (u32 i = 0; i < 5; i++) {
        confine(&vcpus[i], 3);
        sched_wake(&vcpus[i], WAIT_DOWN);
        run_ms(3); /* or the CPUs' slices would all end in one moment */
    }
    run_ms(12000);
    u64 sum = 0;
    for (u32 i = 0; i < 5; i++) {
        if (vcpus[i].state == VCPU_RUNNING)
            runstate_change(&vcpus[i], RUNSTATE_running, time_now);
        sum += ran[i];
        ck_assert_msg(ran[i] > (fair - 100) * MS && ran[i] < (fair + 100) * MS,
                      "%s: vCPU %u ran for %lu ms, not for %lu", scheduler->name, i, ran[i] / MS,
                      fair);
    }
    ck_assert_uint_ge(sum, 24000 * MS);
    check_machine();
}
END_TEST

/* It goes where it would rather be, if it may; if there is no such CPU, it may be anywhere. */
START_TEST(test_soft)
{
    setup(all[_i]);
    struct cpumask rather = mask_of(1 << 2), nowhere = mask_of(0), others = mask_of(1 << 3);
    struct vcpu *v = &vcpus[0];

    sched_set_soft_affinity(v, &rather);
    ck_assert_uint_eq(v->cpu, 2);
    confine(v, 3);
    ck_assert_uint_lt(v->cpu, 2);
    u32 there = v->cpu;
    sched_set_soft_affinity(v, &others);
    ck_assert_uint_eq(v->cpu, there);
    ck_assert(!sched_set_affinity(v, &nowhere));
    check_machine();
}
END_TEST

/* An override holds against affinity, which counts again afterwards. */
START_TEST(test_override)
{
    setup(all[_i]);
    crowd_on_0(1);
    struct vcpu *v = cpus[0].current;

    on = 0;
    ck_assert_int_eq(sched_end_override(), -XEN_EINVAL);
    ck_assert_int_eq(sched_override(CPUS), -XEN_EINVAL);
    ck_assert_int_eq(sched_override(2), 0);
    settle();
    ck_assert_ptr_eq(cpus[2].current, v);
    on = 2;
    ck_assert_int_eq(sched_override(1), -XEN_EBUSY);
    confine(v, 1 << 3);
    settle();
    ck_assert_ptr_eq(cpus[2].current, v);
    ck_assert_int_eq(sched_pinned_to(v), 2);
    on = 2;
    ck_assert_int_eq(sched_end_override(), 0);
    settle();
    ck_assert_ptr_eq(cpus[3].current, v);
    check_machine();
}
END_TEST

static void something(struct vcpu *v)
{
    on = (u32)rand() % CPUS;
    switch (rand() % 5) {
    case 0:
        confine(v, 1 + (u64)rand() % ((1 << CPUS) - 1));
        break;
    case 1: {
        struct cpumask mask = mask_of((u64)rand() % (1 << CPUS));
        sched_set_soft_affinity(v, &mask);
        break;
    }
    case 2:
        sched_sleep(v, WAIT_EVENT);
        break;
    default:
        sched_wake(v, WAIT_DOWN | WAIT_EVENT);
    }
}

/* All at once, in any order: nobody gets lost, and in the end each is where it may be. */
START_TEST(test_random)
{
    srand(11);
    setup(all[_i]);
    for (u32 i = 0; i < 20000; i++) {
        something(&vcpus[rand() % VCPUS]);
        if (rand() % 3 == 0)
            turn((u32)rand() % CPUS);
        if (rand() % 16 == 0)
            run_ms(1);
        check_machine();
    }
    for (u32 i = 0; i < VCPUS; i++)
        sched_wake(&vcpus[i], ~0U & ~WAIT_MOVE);
    run_ms(2000);
    check_machine();
    for (u32 i = 0; i < VCPUS; i++) {
        ck_assert_uint_eq(vcpus[i].waits, 0);
        ck_assert_uint_gt(ran[i], 0);
    }
}
END_TEST

void unit_add(TCase *tests)
{
    int n = POLICIES;

    tcase_add_loop_test(tests, test_confined_while_it_sleeps, 0, n);
    tcase_add_loop_test(tests, test_confined_while_it_waits, 0, n);
    tcase_add_loop_test(tests, test_confined_while_it_runs, 0, n);
    tcase_add_loop_test(tests, test_idle_cpu_takes_who_may_come, 0, n);
    tcase_add_loop_test(tests, test_idle_cpu_leaves_who_is_on_the_way_out, 0, n);
    tcase_add_loop_test(tests, test_balance, 0, n);
    tcase_add_loop_test(tests, test_soft, 0, n);
    tcase_add_loop_test(tests, test_override, 0, n);
    tcase_add_loop_test(tests, test_random, 0, n);
}
