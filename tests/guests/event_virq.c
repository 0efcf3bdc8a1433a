/*
 * bind_virq: a virtual interrupt gets a port, once; those of a vCPU on each vCPU, those of the machine on vCPU 0.
 *
 * Twice is -EEXIST, one of the machine on another vCPU -EINVAL, a number that does not exist -EINVAL, a vCPU that does not exist
 * -ENOENT. Guests can't send on such a port. bind_vcpu moves those of the machine, but not those of a vCPU. Source: event_channel.h.
 */
#include "event.h"
#include "test.h"

static s64 kind_of(u32 port, u32 *virq)
{
    struct evtchn_status status;
    s64 rc = event_status(port, &status);

    *virq = status.u.virq;
    return rc ? rc : (s64)status.status;
}

TEST
{
    u32 virq;

    CHECK_RC(event_bind_virq(NR_VIRQS, 0), -XEN_EINVAL);
    CHECK_RC(event_bind_virq(~0U, 0), -XEN_EINVAL);
    CHECK_RC(event_bind_virq(VIRQ_TIMER, 4000), -XEN_ENOENT);
    CHECK_RC(event_bind_virq(VIRQ_DOM_EXC, 1), -XEN_EINVAL);
    CHECK_RC(event_bind_virq(VIRQ_CONSOLE, 4000), -XEN_EINVAL);

    s64 timer = event_bind_virq(VIRQ_TIMER, 0), debug = event_bind_virq(VIRQ_DEBUG, 0);
    CHECK(timer > 0 && debug > 0 && timer != debug);
    CHECK_RC(event_bind_virq(VIRQ_TIMER, 0), -XEN_EEXIST);
    CHECK_RC(kind_of((u32)timer, &virq), EVTCHNSTAT_virq);
    CHECK_EQ(virq, VIRQ_TIMER);
    CHECK_RC(kind_of((u32)debug, &virq), EVTCHNSTAT_virq);
    CHECK_EQ(virq, VIRQ_DEBUG);
    CHECK_RC(event_send((u32)timer), -XEN_EINVAL);
    CHECK(!event_pending((u32)timer));
    CHECK_RC(event_bind_vcpu((u32)timer, 0), -XEN_EINVAL);

    s64 ring = event_bind_virq(VIRQ_TBUF, 0);
    CHECK(ring > 0);
    CHECK_RC(event_bind_vcpu((u32)ring, 0), 0);
    CHECK_RC(event_bind_vcpu((u32)ring, 4000), -XEN_ENOENT);
    CHECK_RC(event_bind_virq(VIRQ_TBUF, 0), -XEN_EEXIST);

    CHECK_RC(event_close((u32)timer), 0);
    CHECK_RC(kind_of((u32)timer, &virq), EVTCHNSTAT_closed);
    CHECK_RC(event_bind_virq(VIRQ_TIMER, 0), timer); /* the lowest free port */
    CHECK_RC(event_close((u32)ring), 0);
    CHECK(event_bind_virq(VIRQ_TBUF, 0) > 0);
}
