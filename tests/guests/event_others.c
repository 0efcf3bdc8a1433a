/*
 * Other domains' ports are not an unprivileged domain's business: alloc_unbound, status and reset for another one are refused, as is
 * binding to a port that was not made for the caller.
 */
#include "event.h"
#include "test.h"

TEST
{
    struct evtchn_alloc_unbound alloc = { .dom = 0, .remote_dom = DOMID_SELF };
    struct evtchn_status status = { .dom = 0, .port = 1 };

    UNPRIVILEGED_ONLY();
    /* Domain 0 may exist or not. */
    CHECK_REFUSED(event_channel_op(EVTCHNOP_alloc_unbound, &alloc));
    CHECK_REFUSED(event_channel_op(EVTCHNOP_status, &status));
    CHECK_REFUSED(event_reset(0));
    alloc.dom = 0x7000;
    CHECK_RC(event_channel_op(EVTCHNOP_alloc_unbound, &alloc), -XEN_ESRCH);
    CHECK_RC(event_reset(0x7000), -XEN_ESRCH);
    for (domid_t domid = 0; domid < 16; domid++)
        for (u32 port = 0; port < 16; port++)
            CHECK_REFUSED(event_bind_interdomain(domid, port));
    CHECK_REFUSED(event_bind_interdomain(DOMID_XEN, 1));
    CHECK_REFUSED(event_bind_interdomain(DOMID_IDLE, 1));
}
