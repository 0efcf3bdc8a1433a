/*
 * EVTCHNOP_reset of another domain: by a privileged one, while the toolstack keeps it paused; else it is refused, as the domain is using its
 * ports. Afterwards all of them are free. Source: event_channel.h.
 */
#include "build.h"
#include "domctl.h"
#include "event.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

#define PORTS 3

static s64 alloc_for(u16 domid)
{
    struct evtchn_alloc_unbound a = { .dom = domid, .remote_dom = DOMID_SELF };
    s64 rc = event_channel_op(EVTCHNOP_alloc_unbound, &a);

    return rc ? rc : a.port;
}

static u32 status_of(u16 domid, u32 port)
{
    struct evtchn_status s = { .dom = domid, .port = port };

    CHECK_RC(event_channel_op(EVTCHNOP_status, &s), 0);
    return s.status;
}

TEST
{
    struct handmade h = { .code = handmade_count, .code_size = handmade_count_size };
    s64 theirs[PORTS], ours[PORTS];

    CHECK_RC(event_reset(30000), -XEN_ESRCH);
    if (!guest_is_privileged()) {
        CHECK_REFUSED(event_reset(0));
        return;
    }
    foreign_init();
    CHECK_RC(handmade_make(&h, STAGE_RUNNING), 0);
    for (u32 i = 0; i < PORTS; i++) {
        theirs[i] = alloc_for(h.domid);
        CHECK(theirs[i] > 0);
        ours[i] = event_bind_interdomain(h.domid, (u32)theirs[i]);
        CHECK(ours[i] > 0);
    }
    CHECK_RC(event_reset(h.domid), -XEN_EINVAL); /* it runs */
    CHECK_EQ(status_of(h.domid, (u32)theirs[0]), EVTCHNSTAT_interdomain);
    CHECK_RC(domctl_plain(XEN_DOMCTL_pausedomain, h.domid), 0);
    CHECK_RC(event_reset(h.domid), 0);
    for (u32 i = 0; i < PORTS; i++) {
        CHECK_EQ(status_of(h.domid, (u32)theirs[i]), EVTCHNSTAT_closed);
        CHECK_EQ(status_of(DOMID_SELF, (u32)ours[i]), EVTCHNSTAT_unbound);
        CHECK_RC(event_close((u32)ours[i]), 0);
    }
    CHECK_RC(domctl_plain(XEN_DOMCTL_unpausedomain, h.domid), 0);
    CHECK_RC(event_reset(h.domid), -XEN_EINVAL);
    CHECK_RC(build_destroy(h.domid), 0);
    CHECK_RC(event_reset(h.domid), -XEN_ESRCH);
}
