/*
 * Port numbers: port 0 is none, the lowest free one comes next, 4095 there are, and then -ENOSPC; every operation on what is no port in use
 * is -EINVAL.
 *
 * The two-level form has one bit for each of 4096 ports. Source: event_channel.h.
 */
#include "event.h"
#include "test.h"

static void check_no_port(u32 port)
{
    CHECK_RC(event_send(port), -XEN_EINVAL);
    CHECK_RC(event_close(port), -XEN_EINVAL);
    CHECK_RC(event_bind_vcpu(port, 0), -XEN_EINVAL);
}

/* Beyond all that ever were: not even a state. */
static void check_beyond(u32 port)
{
    struct evtchn_status status;

    check_no_port(port);
    CHECK_RC(event_unmask(port), -XEN_EINVAL);
    CHECK_RC(event_status(port, &status), -XEN_EINVAL);
}

TEST
{
    struct evtchn_status status;
    u32 last = 0, made = 0;
    s64 port, first = 0;

    check_no_port(0);
    CHECK_RC(event_status(0, &status), 0);
    CHECK_EQ(status.status, EVTCHNSTAT_closed);
    check_beyond(EVENT_PORTS);
    check_beyond(EVENT_PORTS + 1);
    check_beyond(0x7fffffff);
    check_beyond(0x80000000);
    check_beyond(~0U);

    while ((port = event_bind_ipi(0)) > 0) {
        CHECK(port > last && port < EVENT_PORTS);
        first = first ? first : port;
        last = (u32)port;
        made++;
    }
    CHECK_RC(port, -XEN_ENOSPC);
    CHECK_RC(event_alloc_unbound(DOMID_SELF), -XEN_ENOSPC);
    CHECK_EQ(last, EVENT_PORTS - 1);
    CHECK(made > EVENT_PORTS - 16);

    CHECK_RC(event_send(last), 0);
    CHECK(event_pending(last));
    CHECK(shared_info->vcpu_info[0].evtchn_pending_sel >> 63);

    CHECK_RC(event_close(2000), 0);
    CHECK_RC(event_close(1000), 0);
    check_no_port(1000);
    CHECK_RC(event_bind_ipi(0), 1000);
    CHECK_RC(event_bind_ipi(0), 2000);
    CHECK_RC(event_bind_ipi(0), -XEN_ENOSPC);
    for (u32 i = (u32)first; i <= last; i++)
        CHECK_RC(event_close(i), 0);
    CHECK(!event_pending(last));
    CHECK_RC(event_bind_ipi(0), first);
}
