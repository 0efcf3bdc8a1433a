/*
 * A builder ends in the midst of destroydomain of a domain that has memory: the hypervisor goes on with it alone. Source: domctl.h.
 */
#define NEEDS_VCPUS 2
#include "dying_builder.h"

static void work(u64 argument)
{
    (void)argument;
    for (;;) {
        u16 domid = 0;
        bool good = build_create(&domid, 1) == 0 && builder_limit(domid, BUILDER_FRAMES) == 0 &&
                    builder_populate(domid) == BUILDER_FRAMES;

        good &= AMID(build_destroy(domid)) == 0;
        dying_count(good);
    }
}

TEST
{
    builder_dies_amid("destroydomain", work);
}
