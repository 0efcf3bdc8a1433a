/*
 * For tests of a builder that ends in the midst of a domctl: the calls that it makes over and over, one of which is the one in whose midst it ends.
 *
 * What it has made up to then can never run; the hypervisor takes it away when the last privileged domain has ended.
 */
#ifndef TESTS_DYING_BUILDER_H
#define TESTS_DYING_BUILDER_H

#include "build.h"
#include "domctl.h"
#include "dying.h"

#define BUILDER_FRAMES 1024 /* of the domain that it makes */

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

static inline void builder_dies_amid(const char *what, void (*work)(u64))
{
    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    die_amid(what, work);
}

#endif
