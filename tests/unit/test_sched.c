/*
 * The scheduling policies (kernel/domain/sched_rr.c, sched_bvt.c, sched_credit.c) on a simulated machine and clock: shares follow the weights, nobody
 * starves, who wakes is served soon, caps hold, CPUs don't idle while somebody waits. The wanted shares are the definition of each policy, computed here
 * from the weights.
 */
#include <stdlib.h>

#include "unit.h"
#include "sched_sim.h"

static struct sim s;

static const struct scheduler *const all[] = { &sched_rr, &sched_bvt, &sched_credit };

/* A handout of lab 3 comes without the credit policy's source. */
#pragma weak sched_credit
#define POLICIES (all[2] ? 3 : 2)

/* `got` is within so many thousandths of `wanted`. */
static void near(const char *what, u64 got, u64 wanted, u64 thousandths)
{
    u64 off = got > wanted ? got - wanted : wanted - got;

    ck_assert_msg(off * 1000 <= wanted * thousandths, "%s: %s: got %lu, wanted %lu +- %lu/1000",
                  s.policy->name, what, got, wanted, thousandths);
}

/* Tasks that never sleep, one for each weight, on one CPU for 10 s. */
static void check_shares(const struct scheduler *policy, const u32 *weights, u32 n, bool equal)
{
    u64 sum = 0;

    sim_init(&s, policy, 1);
    for (u32 i = 0; i < n; i++) {
        sim_task(&s, sim_group(weights[i]), 0, 0, i * SIM_MS / 10);
        sum += weights[i];
    }
    sim_run(&s, 10 * SIM_S);
    for (u32 i = 0; i < n; i++)
        near("share", s.tasks[i].ran, 10 * SIM_S * (equal ? 1 : weights[i]) / (equal ? n : sum),
             10);
    ck_assert_uint_eq(s.idle_ns, 0);
}

START_TEST(test_rr_equal)
{
    const u32 weights[] = { 256, 512, 1024, 100 };

    check_shares(&sched_rr, weights, 4, true);
}
END_TEST

START_TEST(test_shares_follow_weights)
{
    const u32 two[] = { 256, 512 };
    const u32 three[] = { 256, 512, 1024 };
    const u32 same[] = { 256, 256, 256, 256, 256 };
    const u32 five[] = { 100, 200, 300, 400, 500 };

    for (int i = 1; i < POLICIES; i++) {
        check_shares(all[i], two, 2, false);
        check_shares(all[i], three, 3, false);
        check_shares(all[i], same, 5, false);
        check_shares(all[i], five, 5, false);
    }
}
END_TEST

/* And they do beside one that sleeps most of the time and one that sleeps now and then. */
START_TEST(test_shares_beside_sleepers)
{
    for (int i = 1; i < POLICIES; i++) {
        sim_init(&s, all[i], 1);
        sim_task(&s, sim_group(256), 0, 0, 0);
        sim_task(&s, sim_group(512), 0, 0, 0);
        sim_task(&s, sim_group(256), SIM_MS / 2, 10 * SIM_MS, 0);
        sim_task(&s, sim_group(256), 7 * SIM_MS, 100 * SIM_MS, 0);
        sim_run(&s, 10 * SIM_S);
        near("twice the weight", s.tasks[1].ran, 2 * s.tasks[0].ran, 10);
    }
}
END_TEST

/* The units of a group share its weight: three against one, at equal weights, get a half together. */
START_TEST(test_groups)
{
    for (int i = 1; i < POLICIES; i++) {
        sim_init(&s, all[i], 1);
        struct sched_group *many = sim_group(256), *one = sim_group(256);
        for (int k = 0; k < 3; k++)
            sim_task(&s, many, 0, 0, 0);
        sim_task(&s, one, 0, 0, 0);
        sim_run(&s, 10 * SIM_S);
        near("the one", s.tasks[3].ran, 5 * SIM_S, 10);
        near("the three", s.tasks[0].ran + s.tasks[1].ran + s.tasks[2].ran, 5 * SIM_S, 10);
    }
}
END_TEST

/* Even the lightest gets its turn again and again, and yields starve nobody. */
START_TEST(test_no_starvation)
{
    for (int i = 0; i < POLICIES; i++) {
        sim_init(&s, all[i], 1);
        for (int k = 0; k < 10; k++)
            sim_task(&s, sim_group(k ? 1000 : 100), 0, 0, 0);
        sim_task(&s, sim_group(256), 0, 0, 0)->yields = true;
        sim_run(&s, 10 * SIM_S);
        for (u32 k = 0; k < s.count; k++) {
            ck_assert_msg(s.tasks[k].turns >= 10, "%s: task %u had %lu turns", all[i]->name, k,
                          s.tasks[k].turns);
            ck_assert_msg(s.tasks[k].starved <= SIM_S, "%s: task %u waited %lu ns", all[i]->name, k,
                          s.tasks[k].starved);
        }
    }
}
END_TEST

/* Ten that never sleep, and one that runs for 100 us every 10 ms. */
static u64 latency(const struct scheduler *policy, const struct sched_params *params)
{
    sim_init(&s, policy, 1);
    for (int k = 0; k < 10; k++)
        sim_task(&s, sim_group(256), 0, 0, 0);
    struct sched_group *g = sim_group(256);
    if (params)
        g->params = *params;
    struct sim_task *t = sim_task(&s, g, SIM_MS / 10, 10 * SIM_MS, 200 * SIM_MS);
    sim_run(&s, 10 * SIM_S);
    ck_assert_uint_ge(t->turns, 50);
    return t->latency;
}

START_TEST(test_latency)
{
    struct sched_params warps = { .weight = 256, .warp = 100 * SIM_MS };

    ck_assert_uint_le(latency(&sched_rr, NULL), 10 * 10 * SIM_MS); /* a turn of each */
    if (all[2])
        ck_assert_uint_le(latency(&sched_credit, NULL), SIM_MS);
    ck_assert_uint_le(latency(&sched_bvt, NULL), 11 * 5 * SIM_MS); /* an allowance of each */
    ck_assert_uint_le(latency(&sched_bvt, &warps), SIM_MS);
}
END_TEST

/* A warp is a loan, and limited: who never sleeps again gains nothing by it in the long run. */
START_TEST(test_bvt_warp_limited)
{
    struct sched_group *g = sim_group(256);

    sim_init(&s, &sched_bvt, 1);
    g->params.warp = 100 * SIM_MS;
    g->params.warp_limit = 5 * SIM_MS;
    g->params.unwarp_limit = 50 * SIM_MS;
    sim_task(&s, g, 0, 0, 0);
    sim_task(&s, sim_group(256), 0, 0, 0);
    sim_run(&s, 10 * SIM_S);
    near("warps once", s.tasks[0].ran, 5 * SIM_S, 10);

    sim_init(
        &s, &sched_bvt,
        1); /* it sleeps for a moment every 20 ms, to warp again: still no more than its half */
    sim_task(&s, g, 20 * SIM_MS, SIM_MS / 100, 0);
    sim_task(&s, sim_group(256), 0, 0, 0);
    sim_run(&s, 10 * SIM_S);
    ck_assert_uint_le(s.tasks[0].ran, 5 * SIM_S + 50 * SIM_MS);
}
END_TEST

/* Sleeping saves nothing up: after a second of sleep a task gets its share, not all that it missed. */
START_TEST(test_sleep_saves_nothing)
{
    for (int i = 0; i < POLICIES; i++) {
        sim_init(&s, all[i], 1);
        sim_task(&s, sim_group(256), 0, 0, 0);
        sim_task(&s, sim_group(256), 0, 0, SIM_S);
        sim_run(&s, 2 * SIM_S);
        ck_assert_msg(s.tasks[1].ran <= 530 * SIM_MS && s.tasks[1].ran >= 470 * SIM_MS, "%s: %lu",
                      all[i]->name, s.tasks[1].ran);
    }
}
END_TEST

/* A cap holds on an idle CPU and on a busy one, and what it leaves goes to the others. */
START_TEST(test_caps)
{
    sim_init(&s, &sched_credit, 1);
    struct sched_group *capped = sim_group(256);
    capped->params.cap = 30;
    sim_task(&s, capped, 0, 0, 0);
    sim_run(&s, 10 * SIM_S);
    near("capped and alone", s.tasks[0].ran, 3 * SIM_S, 10);

    sim_init(&s, &sched_credit, 1);
    sim_task(&s, capped, 0, 0, 0);
    sim_task(&s, sim_group(256), 0, 0, 0);
    sim_task(&s, sim_group(512), 0, 0, 0);
    sim_run(&s, 10 * SIM_S);
    near("256 of 1024, below its cap", s.tasks[0].ran, 10 * SIM_S / 4, 10);
    near("256", s.tasks[1].ran, 10 * SIM_S / 4, 10);
    near("512", s.tasks[2].ran, 10 * SIM_S / 2, 10);

    capped->params.cap = 10;
    u64 before[3] = { s.tasks[0].ran, s.tasks[1].ran, s.tasks[2].ran };
    sim_run(&s, 10 * SIM_S);
    near("cap 10", s.tasks[0].ran - before[0], SIM_S, 20);
    near("256 of the rest", s.tasks[1].ran - before[1], 3 * SIM_S, 10);
    near("512 of the rest", s.tasks[2].ran - before[2], 6 * SIM_S, 10);
}
END_TEST

/* Several CPUs: no CPU idles while somebody waits. */
START_TEST(test_cpus)
{
    for (int i = 0; i < POLICIES; i++) {
        sim_init(&s, all[i], 4);
        for (int k = 0; k < 8; k++)
            sim_task(&s, sim_group(256), 3 * SIM_MS, SIM_MS, 0)->cpu = 0;
        sim_run(&s, SIM_S);
        ck_assert_msg(s.idle_ns <= 4 * SIM_S / 20, "%s: idle for %lu ns", all[i]->name, s.idle_ns);
    }
}
END_TEST

/* Credit's weights hold for the machine, whatever CPU a task began on. */
START_TEST(test_weights_over_cpus)
{
    sim_init(&s, &sched_credit, 2);
    for (int k = 0; k < 3; k++)
        sim_task(&s, sim_group(256), 0, 0, 0);
    sim_run(&s, 10 * SIM_S);
    for (int k = 0; k < 3; k++)
        near("one of three on two CPUs", s.tasks[k].ran, 20 * SIM_S / 3, 10);

    sim_init(&s, &sched_credit, 4);
    u64 sum = 0;
    for (u32 k = 0; k < 12; k++) {
        sim_task(&s, sim_group(100 + 20 * k), 0, 0, 0)->cpu = k < 6 ? 0 : 1;
        sum += 100 + 20 * k;
    }
    sim_run(&s, 10 * SIM_S);
    for (u32 k = 0; k < 12; k++)
        near("one of twelve on four CPUs", s.tasks[k].ran, 40 * SIM_S * (100 + 20 * k) / sum, 20);
}
END_TEST

/* One can't use more than one CPU, however heavy it is: the others share what is left by weight. */
START_TEST(test_more_than_it_can_use)
{
    sim_init(&s, &sched_credit, 2);
    sim_task(&s, sim_group(10000), 0, 0, 0);
    sim_task(&s, sim_group(100), 0, 0, 0);
    sim_task(&s, sim_group(300), 0, 0, 0);
    sim_run(&s, 10 * SIM_S);
    near("10000", s.tasks[0].ran, 10 * SIM_S, 10);
    near("100", s.tasks[1].ran, 10 * SIM_S / 4, 10);
    near("300", s.tasks[2].ran, 10 * SIM_S * 3 / 4, 10);
}
END_TEST

/* Affinity: those that may run on CPU 1 only do, and the others have CPU 0. */
START_TEST(test_affinity)
{
    for (int i = 0; i < POLICIES; i++) {
        sim_init(&s, all[i], 2);
        for (u32 k = 0; k < 4; k++) {
            struct sim_task *t = sim_task(&s, sim_group(256), 0, 0, 0);
            t->unit.affinity = (struct cpumask){ 0 };
            cpumask_set(&t->unit.affinity, k < 3);
            t->cpu = k < 3;
        }
        sim_run(&s, 3 * SIM_S);
        near("alone", s.tasks[3].ran, 3 * SIM_S, 1);
        for (u32 k = 0; k < 3; k++)
            near("pinned", s.tasks[k].ran, SIM_S, 30);
    }
}
END_TEST

/* Many that sleep and wake at random on several CPUs, under every policy: nothing is lost, and what can run does. */
START_TEST(test_random)
{
    srand(7);
    for (int i = 0; i < POLICIES; i++) {
        u64 ran = 0;

        sim_init(&s, all[i], 3);
        for (u32 k = 0; k < 60; k++) {
            struct sched_group *g = sim_group(100 + (u32)rand() % 900);
            if (i == 2 && k % 10 == 0)
                g->params.cap = 20 + (u32)rand() % 50;
            for (int n = rand() % 3; n >= 0; n--)
                sim_task(&s, g, 1000 + (u64)rand() % (20 * SIM_MS),
                         1000 + (u64)rand() % (20 * SIM_MS), (u64)rand() % SIM_S);
        }
        sim_run(&s, 5 * SIM_S);
        for (u32 k = 0; k < s.count; k++) {
            ran += s.tasks[k].ran;
            ck_assert_uint_ge(s.tasks[k].turns, 2);
        }
        ck_assert_uint_eq(ran + s.idle_ns, 3 * 5 * SIM_S);
    }
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_rr_equal);
    tcase_add_test(tests, test_shares_follow_weights);
    tcase_add_test(tests, test_shares_beside_sleepers);
    tcase_add_test(tests, test_groups);
    tcase_add_test(tests, test_no_starvation);
    tcase_add_test(tests, test_latency);
    tcase_add_test(tests, test_bvt_warp_limited);
    tcase_add_test(tests, test_sleep_saves_nothing);
    tcase_add_test(tests, test_cpus);
    tcase_add_test(tests, test_affinity);
    tcase_add_test(tests, test_random);
    if (!all[2])
        return;
    tcase_add_test(tests, test_caps);
    tcase_add_test(tests, test_weights_over_cpus);
    tcase_add_test(tests, test_more_than_it_can_use);
}
