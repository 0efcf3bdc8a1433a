/*
 * SCHEDOP_remote_shutdown: a privileged domain ends another one, for a reason that it gives; that is then what the toolstack is told. Unprivileged
 * ones may not. Source: sched.h.
 */
#include "build.h"
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

static s64 remote(u16 domid, u32 reason)
{
    struct sched_remote_shutdown r = { .domain_id = domid, .reason = reason };

    return sched_op(SCHEDOP_remote_shutdown, &r);
}

static u32 flags_of(u16 domid)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = domid };

    CHECK_RC(domctl(&op), 0);
    return op.u.getdomaininfo.flags;
}

static void end_one(enum handmade_stage stage, u32 reason)
{
    struct handmade h = { .code = handmade_count, .code_size = handmade_count_size };

    CHECK_RC(handmade_make(&h, stage), 0);
    CHECK(!(flags_of(h.domid) & XEN_DOMINF_shutdown));
    CHECK_RC(remote(h.domid, reason), 0);
    while (!(flags_of(h.domid) & XEN_DOMINF_shutdown))
        yield();
    CHECK_EQ(flags_of(h.domid) >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, reason);
    CHECK_RC(remote(h.domid, SHUTDOWN_poweroff), 0); /* it has ended: no change */
    CHECK_EQ(flags_of(h.domid) >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, reason);
    CHECK_RC(build_destroy(h.domid), 0);
    CHECK_RC(remote(h.domid, SHUTDOWN_poweroff), -XEN_ESRCH);
}

TEST
{
    CHECK_RC(sched_op(SCHEDOP_remote_shutdown, NULL), -XEN_EFAULT);
    CHECK_RC(remote(30000, SHUTDOWN_poweroff), -XEN_ESRCH);
    if (!guest_is_privileged()) {
        CHECK_REFUSED(remote(0, SHUTDOWN_poweroff));
        CHECK_REFUSED(remote(1, SHUTDOWN_poweroff)); /* perhaps itself, which doesn't help */
        return;
    }
    foreign_init();
    end_one(STAGE_RUNNING, SHUTDOWN_reboot);
    end_one(STAGE_RUNNING, SHUTDOWN_crash);
    end_one(STAGE_READY, SHUTDOWN_poweroff); /* paused */
}
