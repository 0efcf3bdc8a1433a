/*
 * Events between the vCPUs of one domain: an IPI reaches a vCPU that runs and one that sleeps, a port moves to another vCPU, and unmasking by
 * hypercall tells the vCPU that the port belongs to.
 *
 * In the end one vCPU sends on a port that the other closes and makes anew. Needs two vCPUs. Source: event_channel.h.
 */
#include "event.h"
#include "smp.h"
#include "test.h"

#define NEEDS_VCPUS 2
#define ROUNDS      200

static u32 to_1, moved, peer, racing;
static volatile u64 seen[2]; /* by vCPU: upcalls of ports that are its own */
static volatile bool sleeping, race, done;

static void on_event(u32 port)
{
    (void)port;
    __atomic_fetch_add(&seen[vcpu_id()], 1, __ATOMIC_SEQ_CST);
}

static void second(u64 argument)
{
    (void)argument;
    events_on();
    while (!race) {
        if (sleeping)
            sched_op(SCHEDOP_block, NULL);
        else
            __asm__ volatile("pause");
    }
    while (!done)
        event_send(racing); /* there or not */
    seen[1] = 0;
}

static void wait_for(volatile u64 *value, u64 wanted)
{
    while (*value != wanted)
        yield();
}

static void check_ipis(void)
{
    u64 before = seen[1];

    for (u64 i = 1; i <= ROUNDS; i++) {
        CHECK_RC(event_send(to_1), 0);
        wait_for(&seen[1], before + i);
    }
    CHECK_EQ(seen[0], 0);
}

static void check_moving(void)
{
    u64 before = seen[1];

    CHECK_RC(event_send(peer), 0);
    wait_for(&seen[0], 1);
    CHECK_RC(event_bind_vcpu(moved, 1), 0);
    CHECK_RC(event_send(peer), 0);
    wait_for(&seen[1], before + 1);
    event_mask(moved);
    CHECK_RC(event_send(peer), 0);
    CHECK(event_pending(moved));
    CHECK_RC(event_unmask(moved), 0);
    wait_for(&seen[1], before + 2);
    CHECK_EQ(seen[0], 1);
}

static void check_race(void)
{
    sleeping = false;
    race = true;
    event_send(to_1);
    for (int i = 0; i < 20 * ROUNDS; i++) {
        s64 port = i % 2 ? event_bind_ipi(i % 4 / 2) : event_alloc_unbound(DOMID_SELF);

        CHECK(port > 0);
        racing = (u32)port;
        if (i % 2 == 0)
            CHECK(event_bind_interdomain(DOMID_SELF, racing) > 0);
        for (int n = 0; n < i % 8; n++)
            event_send(racing);
        CHECK_RC(event_close(racing), 0);
        if (i % 500 == 499)
            CHECK_RC(event_reset(DOMID_SELF), 0);
    }
    done = true;
    wait_for(&seen[1], 0);
}

TEST
{
    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs two vCPUs");
    events_info = smp_info;
    events_init();
    to_1 = (u32)event_bind_ipi(1);
    peer = (u32)event_alloc_unbound(DOMID_SELF);
    moved = (u32)event_bind_interdomain(DOMID_SELF, peer);
    event_clear(moved);
    event_handle(to_1, on_event);
    event_handle(moved, on_event);
    events_on();
    SETUP(smp_start(1, second, 0) == 0);
    check_ipis();
    sleeping = true;
    check_ipis();
    check_moving();
    check_race();
}
