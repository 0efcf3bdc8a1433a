/*
 * A channel between two domains: connected, used both ways, closed by one and bound to again.
 *
 * Both ends name each other. What is sent at one is pending at the other. Only the domain that a port was made for can bind to it, once, and
 * after the peer has closed its end the port waits for the peer again. Source: event_channel.h.
 */
#define PAIR
#include "pair.h"
#include "test.h"

#define ROUNDS 500

static void ping_pong(u32 port)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (pair_is_a())
            pair_signal(port);
        pair_wait(port);
        if (!pair_is_a())
            pair_signal(port);
    }
}

/* Ports of a that are not for b: made for somebody else, for a itself, an IPI, and one that is taken. */
static void check_not_for_b(u32 port)
{
    u32 theirs = pair_peer_port(port);

    if (pair_is_a()) {
        CHECK(event_alloc_unbound(0x7000) > 0);
        CHECK(event_alloc_unbound(DOMID_SELF) > 0);
        CHECK(event_bind_ipi(0) > 0);
        pair_signal(port);
        pair_wait(port);
    } else {
        pair_wait(port);
        for (u32 i = 0; i < 4; i++)
            CHECK_RC(event_bind_interdomain(pair_peer(), theirs + i), -XEN_EINVAL);
        pair_signal(port);
    }
}

static void check_status(u32 port, u32 kind)
{
    struct evtchn_status status;

    CHECK_RC(event_status(port, &status), 0);
    CHECK_EQ(status.status, kind);
    CHECK_EQ(kind == EVTCHNSTAT_unbound ? status.u.unbound.dom : status.u.interdomain.dom,
             pair_peer());
}

/* a closes its end; b's waits for a, and a binds to it. */
static void check_reuse(u32 port)
{
    u32 theirs = pair_peer_port(port);

    if (pair_is_a()) {
        CHECK_RC(event_close(port), 0);
        CHECK_RC(event_send(port), -XEN_EINVAL);
        s64 again = event_bind_interdomain(pair_peer(), theirs);
        CHECK(again > 0);
        event_clear((u32)again);
        check_status((u32)again, EVTCHNSTAT_interdomain);
        CHECK_EQ(pair_peer_port((u32)again), theirs);
        pair_signal((u32)again);
        pair_wait((u32)again);
    } else {
        pair_wait(port); /* from the new end: the port here is the same */
        check_status(port, EVTCHNSTAT_interdomain);
        pair_signal(port);
    }
}

TEST
{
    u32 port = pair_connect();

    check_status(port, EVTCHNSTAT_interdomain);
    ping_pong(port);
    check_not_for_b(port);
    check_reuse(port);
    ping_pong(pair_connect());
}
