/*
 * A builder ends in the midst of createdomain, or of destroydomain of a domain that has nothing yet, which follow each other all the time: there is a domain
 * or there is none, and either is right. Source: domctl.h.
 */
#define NEEDS_VCPUS 2
#include "dying_builder.h"

static void work(u64 argument)
{
    (void)argument;
    for (;;) {
        u16 domid = 0;
        bool good = AMID(build_create(&domid, 1)) == 0;

        dying_count(good && AMID(build_destroy(domid)) == 0);
    }
}

TEST
{
    builder_dies_amid("createdomain or destroydomain", work);
}
