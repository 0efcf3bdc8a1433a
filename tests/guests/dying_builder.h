/*
 * For tests of a builder that ends in the midst of a domctl: the calls that it makes over and over, one of which is the one in whose midst it ends.
 *
 * What it has made up to then can never run; the hypervisor takes it away when the last privileged domain has ended.
 */
#ifndef TESTS_DYING_BUILDER_H
#define TESTS_DYING_BUILDER_H

#include "domctl.h"
#include "dying.h"

#define BUILDER_FRAMES 1024 /* of the domain that it makes */

static inline s64 builder_create(u16 *domid)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_createdomain,
        .u.createdomain = {
            .max_vcpus = 1,
            .max_evtchn_port = EVTCHN_2L_NR_CHANNELS - 1,
            .max_grant_frames = -1,
            .max_maptrack_frames = -1,
            .grant_opts = 1,
        },
    };
    s64 rc = domctl(&op);

    *domid = op.domain;
    return rc;
}

static inline s64 builder_limit(u16 domid, u64 frames)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_max_mem,
                             .domain = domid,
                             .u.max_mem.max_memkb = frames * (PAGE_SIZE / 1024) };

    return domctl(&op);
}

static inline s64 builder_populate(u16 domid)
{
    static u64 frames[BUILDER_FRAMES];
    struct xen_memory_reservation r = { .extent_start = (u64)frames,
                                        .nr_extents = BUILDER_FRAMES,
                                        .domid = domid };

    for (u64 i = 0; i < BUILDER_FRAMES; i++)
        frames[i] = i;
    return memory_op(XENMEM_populate_physmap, &r);
}

/* -EAGAIN and the like: it goes on when it is called again. */
static inline s64 builder_destroy(u16 domid)
{
    s64 rc;

    do
        rc = domctl_plain(XEN_DOMCTL_destroydomain, domid);
    while (rc == -XEN_EAGAIN);
    return rc;
}

static inline void builder_dies_amid(const char *what, void (*work)(u64))
{
    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    die_amid(what, work);
}

#endif
