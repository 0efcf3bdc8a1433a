/*
 * Two domains make, bind, send on, move and close the same few ports of each other, at random and at once; one of them ends in the midst of it.
 *
 * Single answers mean nothing, but for those that a right pointer never gets. Afterwards the one that is left resets its ports, and a channel
 * to itself works. On a machine with several CPUs both ends of a channel are closed, sent on and bound at once. Source: event_channel.h.
 */
#define PAIR
#include "pair.h"
#include "test.h"

#define ROUNDS 6000
#define PORTS  24

static u64 seed;

static u32 next(void)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(seed >> 33);
}

static void expect(s64 rc)
{
    CHECK(rc != -XEN_EFAULT && rc != -XEN_ENOSYS && rc != -XEN_EPERM);
}

/* Not the first port, by which the two know of each other. */
static void churn(u32 first)
{
    struct evtchn_status status;
    u32 port = first + 1 + next() % PORTS;

    switch (next() % 8) {
    case 0:
    case 1:
        expect(event_alloc_unbound(pair_peer()));
        break;
    case 2:
    case 3:
        expect(event_bind_interdomain(pair_peer(), port));
        break;
    case 4:
        expect(event_close(port));
        break;
    case 5:
        expect(event_bind_vcpu(port, 0));
        break;
    case 6:
        expect(event_status(port, &status));
        break;
    default:
        expect(event_send(port));
        expect(event_unmask(port));
        break;
    }
}

TEST
{
    u32 first = pair_connect();

    seed = pair_is_a() ? 1 : 77;
    for (u32 i = 0; i < ROUNDS; i++) {
        churn(first);
        if (i % 16 == 0)
            yield();
    }
    if (!pair_is_a())
        TEST_PASS(); /* the peer goes on for a while */
    for (u32 i = 0; i < ROUNDS / 4; i++)
        churn(first);
    CHECK_RC(event_reset(DOMID_SELF), 0);
    s64 port = event_alloc_unbound(DOMID_SELF);
    CHECK(port > 0);
    s64 other = event_bind_interdomain(DOMID_SELF, (u32)port);
    CHECK(other > 0);
    event_clear((u32)other);
    CHECK_RC(event_send((u32)port), 0);
    CHECK(event_pending((u32)other));
}
