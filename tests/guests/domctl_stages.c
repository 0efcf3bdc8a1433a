/*
 * A domain can be destroyed in every stage of its making, and while it runs; nothing of it is left.
 *
 * Again and again, because a page that is lost each time shows in the machine's free memory (physinfo). What the hypervisor frees a
 * little later makes a difference of a few pages, not of one for each domain.
 */
#define ALONE /* whoever else has memory or gives it back changes what is free */
#include "build.h"
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

#define ROUNDS 15 /* of 7 stages: more than 100 domains */
#define SLACK  64 /* pages */

static u64 free_pages(void)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };

    CHECK_RC(sysctl(&op), 0);
    CHECK(op.u.physinfo.total_pages > op.u.physinfo.free_pages);
    return op.u.physinfo.free_pages;
}

static void make_and_destroy(enum handmade_stage last)
{
    struct handmade h = { .code = handmade_count, .code_size = handmade_count_size };

    CHECK_RC(handmade_make(&h, last), 0);
    CHECK(h.domid > 0 && h.domid < DOMID_FIRST_RESERVED);
    CHECK_RC(build_destroy(h.domid), 0);
}

TEST
{
    u64 before = 0;

    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    foreign_init();
    for (int round = 0; round < ROUNDS; round++) {
        for (enum handmade_stage last = STAGE_CREATED; last < STAGES; last++)
            make_and_destroy(last);
        if (round == 1)
            before = free_pages();
    }
    u64 after = free_pages();
    if (after + SLACK < before)
        TEST_FAIL("%lu pages were free after the first rounds, %lu at the end", before, after);
}
