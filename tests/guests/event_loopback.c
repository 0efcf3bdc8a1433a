/*
 * A channel of a domain with itself: alloc_unbound makes one end, bind_interdomain the other, and what is sent at one end is pending at
 * the other.
 *
 * The new end has an event at once, for what may have been sent before. Closing one end leaves the other unbound, for this domain to bind
 * to again. Nobody can bind to a port that is not unbound, or not meant for him. Source: event_channel.h.
 */
#include "event.h"
#include "test.h"

static s64 status_of(u32 port, struct evtchn_status *status)
{
    s64 rc = event_status(port, status);

    return rc ? rc : (s64)status->status;
}

static void check_bound(u32 port, u32 peer)
{
    struct evtchn_status status;

    CHECK_RC(status_of(port, &status), EVTCHNSTAT_interdomain);
    CHECK_EQ(status.u.interdomain.port, peer);
    CHECK_EQ(status.vcpu, 0);
}

TEST
{
    struct evtchn_status status;
    s64 first = event_alloc_unbound(DOMID_SELF);

    CHECK(first > 0);
    u32 a = (u32)first;
    CHECK_RC(status_of(a, &status), EVTCHNSTAT_unbound);
    domid_t self = status.u.unbound.dom;
    CHECK(self < DOMID_FIRST_RESERVED);
    CHECK_RC(event_send(a), 0); /* nobody is there: no error, and no event */
    CHECK(!event_pending(a));

    s64 second = event_bind_interdomain(DOMID_SELF, a);
    CHECK(second > 0 && second != a);
    u32 b = (u32)second;
    CHECK(event_pending(b) && !event_pending(a));
    check_bound(a, b);
    check_bound(b, a);
    event_clear(b);
    CHECK_RC(event_send(a), 0);
    CHECK(event_pending(b) && !event_pending(a));
    CHECK_RC(event_send(b), 0);
    CHECK(event_pending(a));
    event_clear(a);
    event_clear(b);

    CHECK_RC(event_bind_interdomain(DOMID_SELF, a), -XEN_EINVAL); /* taken */
    CHECK_RC(event_bind_interdomain(self, b), -XEN_EINVAL);
    CHECK_RC(event_bind_interdomain(DOMID_SELF, 0), -XEN_EINVAL);
    CHECK_RC(event_bind_interdomain(DOMID_SELF, ~0U), -XEN_EINVAL);
    CHECK_RC(event_bind_interdomain(DOMID_SELF, EVENT_PORTS), -XEN_EINVAL);
    CHECK_RC(event_bind_interdomain(0x7000, a), -XEN_ESRCH);
    CHECK_RC(event_bind_interdomain(DOMID_IO, a), -XEN_ESRCH);

    CHECK_RC(event_close(a), 0);
    CHECK_RC(status_of(a, &status), EVTCHNSTAT_closed);
    CHECK_RC(status_of(b, &status), EVTCHNSTAT_unbound);
    CHECK_EQ(status.u.unbound.dom, self);
    CHECK_RC(event_send(b), 0);
    CHECK_RC(event_send(a), -XEN_EINVAL);
    CHECK_RC(event_bind_interdomain(self, b), a); /* the lowest free port, connected again */
    check_bound(a, b);
    CHECK_RC(event_close(b), 0);
    CHECK_RC(event_close(a), 0);

    /* One that is meant for another domain. */
    s64 other = event_alloc_unbound(0x7000);
    CHECK(other > 0);
    CHECK_RC(status_of((u32)other, &status), EVTCHNSTAT_unbound);
    CHECK_EQ(status.u.unbound.dom, 0x7000);
    CHECK_RC(event_bind_interdomain(DOMID_SELF, (u32)other), -XEN_EINVAL);
    CHECK_RC(event_close((u32)other), 0);
}
