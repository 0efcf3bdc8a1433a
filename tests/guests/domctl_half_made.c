/*
 * A domain that is just being made is none yet: another vCPU of the builder's, which guesses its id, finds it with all that belongs to it or
 * not at all, and can't end it half made.
 *
 * While vCPU 0 makes domains and destroys them, vCPU 1 asks for the highest page of the next id, and ends it. Any answer is right that
 * makes sense; the recount at the end has to be, too. Source: domctl.h, sched.h, memory.h.
 */
#define ALONE       /* the id that it guesses, and ends, may be of a domain that another test is making */
#define NEEDS_VCPUS 2
#include "build.h"
#include "smp.h"
#include "test.h"

#define ROUNDS    150
#define ALL_VCPUS 32 /* the more there are to be made, the longer it takes */

static volatile u16 coming; /* probably the next one's id; 0: all is done */
static u32 wrong;

static void meddle(u64 argument)
{
    (void)argument;
    for (u16 id; (id = coming) != 0;) {
        struct xen_memory_domain question = { .domid = id };
        struct sched_remote_shutdown end = { .domain_id = id, .reason = SHUTDOWN_poweroff };
        s64 rc = memory_op(XENMEM_maximum_gpfn, &question);

        wrong += rc != -XEN_ESRCH && rc != 0; /* a new one has not said how many pages it uses */
        rc = sched_op(SCHEDOP_remote_shutdown, &end);
        wrong += rc != -XEN_ESRCH && rc != 0;
    }
}

TEST
{
    u16 domid = 0;

    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs %d vCPUs", NEEDS_VCPUS);
    CHECK_RC(build_create(&domid, ALL_VCPUS), 0);
    CHECK_RC(build_destroy(domid), 0);
    coming = domid + 1;
    CHECK_RC(smp_start(1, meddle, 0), 0);
    for (u32 i = 0; i < ROUNDS; i++) {
        domid = 0;
        CHECK_RC(build_create(&domid, ALL_VCPUS), 0);
        coming = domid + 1;
        CHECK_RC(build_destroy(domid), 0);
    }
    coming = 0;
    while (smp_is_up(1))
        yield();
    CHECK_EQ(wrong, 0);
}
