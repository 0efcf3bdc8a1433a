/*
 * A toolstack that ends and leaves domains behind: one half made, one that is ready and was never started, one that has shut down.
 *
 * None of them can ever run again, so they must not keep the machine from its end: when no privileged domain is left, the hypervisor
 * takes them away. On Xen the end of dom0 is the end of the machine anyway.
 */
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

static bool has_shut_down(u16 domid)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = domid };

    CHECK_RC(domctl(&op), 0);
    return op.u.getdomaininfo.flags & XEN_DOMINF_shutdown;
}

TEST
{
    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    foreign_init();
    struct handmade half = { .code = handmade_count, .code_size = handmade_count_size };
    struct handmade ready = half, ended = half;

    ended.code = handmade_shutdown;
    ended.code_size = handmade_shutdown_size;
    CHECK_RC(handmade_make(&half, STAGE_WRITTEN), 0);
    CHECK_RC(handmade_make(&ready, STAGE_READY), 0);
    CHECK_RC(handmade_make(&ended, STAGE_RUNNING), 0);
    while (!has_shut_down(ended.domid))
        yield();
}
