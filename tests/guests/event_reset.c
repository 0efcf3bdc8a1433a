/*
 * reset: all ports of the domain are closed at once, what was pending is gone, and new ports can be made.
 *
 * Source: event_channel.h.
 */
#include "event.h"
#include "test.h"

TEST
{
    struct evtchn_status status;
    u32 ports[300];

    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        s64 port = i % 3 ? event_bind_ipi(0) : event_alloc_unbound(DOMID_SELF);
        SETUP(port > 0);
        ports[i] = (u32)port;
    }
    s64 peer = event_bind_interdomain(DOMID_SELF, ports[0]), timer = event_bind_virq(VIRQ_TIMER, 0);
    SETUP(peer > 0 && timer > 0);
    CHECK_RC(event_send(ports[1]), 0);
    CHECK(event_pending(ports[1]));
    CHECK_RC(event_reset(DOMID_SELF), 0);
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        CHECK_RC(event_status(ports[i], &status), 0);
        CHECK_EQ(status.status, EVTCHNSTAT_closed);
        CHECK(!event_pending(ports[i]));
    }
    CHECK_RC(event_close((u32)peer), -XEN_EINVAL);
    CHECK_RC(event_bind_virq(VIRQ_TIMER, 0), 1);
    CHECK_RC(event_bind_ipi(0), 2);
}
