/*
 * The peer crashes while both send as fast as they can: its ports are closed for it, and this end goes on.
 */
#define PAIR
#include "pair.h"
#include "test.h"

#define CHANNELS 20

static u32 ports[CHANNELS];

TEST
{
    for (int i = 0; i < CHANNELS; i++)
        ports[i] = pair_connect();
    if (!pair_is_a())
        EXPECT_CRASH("page fault without a handler, in the middle of a storm");
    else
        pair_wait(ports[0]);
    for (u32 n = 0; pair_is_a() ? pair_peer_port(ports[CHANNELS - 1]) != 0 : n < 5000; n++) {
        CHECK_RC(event_send(ports[n % CHANNELS]), 0);
        event_clear(ports[n % CHANNELS]);
    }
    if (!pair_is_a()) {
        set_trap_table(NULL);
        *(volatile u64 *)0 = 0;
        TEST_FAIL("still here");
    }
    for (int i = 0; i < CHANNELS; i++) {
        pair_wait_gone(ports[i]);
        CHECK_RC(event_send(ports[i]), 0);
        CHECK_RC(event_close(ports[i]), 0);
    }
    CHECK(event_bind_ipi(0) > 0);
}
