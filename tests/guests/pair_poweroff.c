/*
 * The peer of many channels ends cleanly in the middle of the talk: all of them become unbound, sending on them is no error and has no
 * effect, and they can be closed.
 */
#define PAIR
#include "pair.h"
#include "test.h"

#define CHANNELS 40

static u32 ports[CHANNELS];

TEST
{
    struct evtchn_status status;

    for (int i = 0; i < CHANNELS; i++)
        ports[i] = pair_connect();
    if (!pair_is_a())
        return; /* its domain ends with channels open */
    for (int i = 0; i < CHANNELS; i++) {
        while (pair_peer_port(ports[i]))
            CHECK_RC(event_send(ports[i]), 0);
        CHECK_RC(event_send(ports[i]), 0);
        CHECK(!event_pending(ports[i]));
        CHECK_RC(event_status(ports[i], &status), 0);
        CHECK_EQ(status.status, EVTCHNSTAT_unbound);
        CHECK_EQ(status.u.unbound.dom, pair_peer());
    }
    for (int i = 0; i < CHANNELS; i += 2)
        CHECK_RC(event_close(ports[i]), 0);
}
