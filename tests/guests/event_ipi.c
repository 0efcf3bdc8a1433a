/*
 * An event to oneself: bind_ipi makes a port for a vCPU, send raises it, and the upcall comes on the way out of the hypercall.
 *
 * While the upcall is masked, or the port is, the event waits and is delivered at the unmasking, once, however often it was sent. A vCPU that
 * does not exist is -ENOENT. Source: event_channel.h.
 */
#include "event.h"
#include "test.h"

static u32 port;
static u64 handled;

static void on_event(u32 which)
{
    if (which == port)
        handled++;
}

TEST
{
    events_init();
    CHECK_RC(event_bind_ipi(32), -XEN_ENOENT);
    CHECK_RC(event_bind_ipi(~0U), -XEN_ENOENT);
    s64 made = event_bind_ipi(0);
    CHECK(made > 0 && made < EVENT_PORTS);
    port = (u32)made;
    event_handle(port, on_event);

    /* The upcall masked: pending, selected, and not delivered. */
    CHECK_RC(event_send(port), 0);
    CHECK_RC(event_send(port), 0);
    CHECK(event_pending(port));
    CHECK(shared_info->vcpu_info[0].evtchn_upcall_pending);
    CHECK(shared_info->vcpu_info[0].evtchn_pending_sel & BIT(port / 64));
    CHECK_EQ(handled, 0);
    events_on();
    CHECK_EQ(handled, 1);
    CHECK(!event_pending(port));

    /* Not masked: each send comes back with the event delivered, and events are on again. */
    for (u64 i = 2; i < 100; i++) {
        CHECK_RC(event_send(port), 0);
        CHECK_EQ(handled, i);
        CHECK_EQ(shared_info->vcpu_info[0].evtchn_upcall_mask, 0);
    }

    /* The port masked: pending, but nobody is told until it is unmasked. */
    event_mask(port);
    CHECK_RC(event_send(port), 0);
    CHECK_RC(event_send(port), 0);
    CHECK(event_pending(port));
    CHECK_EQ(handled, 99);
    CHECK_RC(event_unmask(port), 0);
    CHECK_EQ(handled, 100);
    CHECK_RC(event_unmask(port), 0);
    CHECK_EQ(handled, 100);

    /* Closing throws away what is pending. */
    events_off();
    CHECK_RC(event_send(port), 0);
    CHECK_RC(event_close(port), 0);
    CHECK(!event_pending(port));
    events_on();
    CHECK_EQ(handled, 100);
    CHECK_RC(event_send(port), -XEN_EINVAL);
    CHECK_RC(event_close(port), -XEN_EINVAL);
}
