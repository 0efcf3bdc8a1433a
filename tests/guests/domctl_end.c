/*
 * A domain that has ended by itself stays until its toolstack destroys it: its reason can be asked for, its memory read.
 *
 * VIRQ_DOM_EXC tells the toolstack, if it has bound it. Afterwards the domain is gone, and its id names nobody; ids of later domains
 * are others.
 */
#include "build.h"
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

static struct xen_domctl_getdomaininfo info_of(u16 domid)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = domid };

    CHECK_RC(domctl(&op), 0);
    CHECK_EQ(op.domain, domid);
    CHECK_EQ(op.u.getdomaininfo.domain, domid);
    return op.u.getdomaininfo;
}

static u64 *data_page(struct handmade *h)
{
    u64 *data = foreign_keep(0, h->domid, h->mfn[HANDMADE_DATA]);

    CHECK(data);
    return data;
}

static void wait_for_end(u16 domid, u32 reason)
{
    struct xen_domctl_getdomaininfo info;

    do {
        yield();
        info = info_of(domid);
    } while (!(info.flags & XEN_DOMINF_shutdown));
    CHECK(!(info.flags & XEN_DOMINF_dying));
    CHECK_EQ(info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, reason);
}

static void check_gone(u16 domid)
{
    CHECK_RC(domctl_plain(XEN_DOMCTL_destroydomain, domid), -XEN_ESRCH);
    CHECK_RC(domctl_plain(XEN_DOMCTL_pausedomain, domid), -XEN_ESRCH);
}

static u16 check_reason(u32 reason)
{
    struct handmade h = { .code = handmade_shutdown, .code_size = handmade_shutdown_size };

    CHECK_RC(handmade_make(&h, STAGE_READY), 0);
    u64 *data = data_page(&h);
    *data = reason;
    CHECK_RC(domctl_plain(XEN_DOMCTL_unpausedomain, h.domid), 0);
    wait_for_end(h.domid, reason);
    CHECK_EQ(*data, reason);
    foreign_drop(0);
    CHECK_RC(build_destroy(h.domid), 0);
    check_gone(h.domid);
    return h.domid;
}

/* ud2, and no handler. */
static void check_crash(void)
{
    static const u8 ud2[] = { 0x0f, 0x0b };
    struct handmade h = { .code = ud2, .code_size = sizeof(ud2) };

    CHECK_RC(handmade_make(&h, STAGE_RUNNING), 0);
    wait_for_end(h.domid, SHUTDOWN_crash);
    CHECK_RC(build_destroy(h.domid), 0);
    check_gone(h.domid);
}

TEST
{
    struct evtchn_bind_virq virq = { .virq = VIRQ_DOM_EXC };

    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    foreign_init();
    bool bound =
        hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (u64)&virq, 0, 0, 0) == 0;
    u16 first = check_reason(SHUTDOWN_poweroff);
    if (bound && cmdline_has("domid=0")) /* the one that looks after the machine */
        CHECK(shared_info->evtchn_pending[virq.port / 64] >> (virq.port % 64) & 1);
    CHECK(check_reason(SHUTDOWN_reboot) != first);
    check_reason(SHUTDOWN_suspend);
    check_reason(SHUTDOWN_crash);
    check_crash();
}
