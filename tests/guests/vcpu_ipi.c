/*
 * Events between vCPUs: an IPI port is the vCPU's that it was bound to; sending wakes it from its block, and interrupts it when it runs. Two vCPUs play
 * ping-pong, asleep and awake. Source: event_channel.h.
 */
#include "test.h"
#include "event.h"
#include "smp.h"
#include "time.h"

#define NEEDS_VCPUS 2

#define ROUNDS 200

static u32 ping, pong;
static volatile u64 pings, pongs;
static volatile bool awake, up;

/* Ports share a word, so either vCPU may be the one that finds a port's event; that it was told is seen by its waking up. */
static void on_ping(u32 port)
{
    (void)port;
    __atomic_fetch_add(&pings, 1, __ATOMIC_SEQ_CST);
    event_send(pong);
}

static void on_pong(u32 port)
{
    (void)port;
    __atomic_fetch_add(&pongs, 1, __ATOMIC_SEQ_CST);
}

static void second(u64 argument)
{
    (void)argument;
    events_on();
    up = true;
    for (;;) {
        while (awake)
            __asm__ volatile("pause");
        sched_op(SCHEDOP_block, NULL);
    }
}

static void play(void)
{
    for (u64 i = 0; i < ROUNDS; i++) {
        u64 before = pongs;
        CHECK_RC(event_send(ping), 0);
        u64 limit = system_time() + 20000000000UL;
        while (pongs == before) {
            if (!awake)
                sleep_until(system_time() + 1000000);
            CHECK(system_time() < limit);
        }
        CHECK_EQ(pongs, before + 1);
    }
}

TEST
{
    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs two vCPUs");
    events_init();
    s64 a = event_bind_ipi(1), b = event_bind_ipi(0);
    SETUP(a > 0 && b > 0);
    ping = (u32)a;
    pong = (u32)b;
    event_handle(ping, on_ping);
    event_handle(pong, on_pong);
    events_on();
    CHECK_RC(smp_start(1, second, 0), 0);
    while (!up)
        yield();
    play(); /* it sleeps between two */
    CHECK_EQ(pings, ROUNDS);
    awake = true;
    CHECK_RC(event_send(ping), 0); /* out of its sleep */
    while (pongs == ROUNDS)        /* its answer; it has counted the ping before it answers */
        yield();
    play(); /* and it runs, in turns with this one if there is one CPU */
    CHECK_EQ(pings, 2 * ROUNDS + 1);
}
