/*
 * A builder ends in the midst of max_mem, by which a domain gets more of the memory that is free, and less again: what was kept for it is free in the end.
 * Source: domctl.h.
 */
#define NEEDS_VCPUS 2
#include "dying_builder.h"

static void work(u64 argument)
{
    u16 domid = 0;

    (void)argument;
    if (build_create(&domid, 1))
        return; /* no round is ever counted */
    for (u64 i = 0;; i++)
        dying_count(AMID(builder_limit(domid, i % 2 ? BUILDER_FRAMES : 8)) == 0);
}

TEST
{
    builder_dies_amid("max_mem", work);
}
