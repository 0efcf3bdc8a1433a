/*
 * A domain ends in the midst of a flood that the hypervisor takes out of its console ring. The flood begins when the runner has what it needs: the domain's
 * lines are of no use from then on. Source: io/console.h.
 */
#define NEEDS_VCPUS 2
#include "abi/io.h"
#include "dying.h"
#include "event.h"

static struct xencons_interface *ring;
static u32 port;

static void work(u64 argument)
{
    (void)argument;
    for (u32 i = 0; i < sizeof(ring->out); i++)
        ring->out[i] = i % 128 == 127 ? '\n' : '-';
    for (;;) {
        __atomic_store_n(&ring->out_prod, ring->out_cons + (u32)sizeof(ring->out),
                         __ATOMIC_RELEASE);
        bool good = AMID(event_send(port)) == 0;

        dying_count(good && __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) == ring->out_prod);
    }
}

TEST
{
    UNPRIVILEGED_ONLY();
    if (smp_count() < 2)
        TEST_SKIP("needs two vCPUs");
    ring = pfn_va(mfn_pfn(start_info->console.domU.mfn));
    port = start_info->console.domU.evtchn;
    EXPECT_CRASH("ud2 without a handler, in the midst of a flood of the console ring");
    CHECK_RC(smp_start(1, work, 0), 0);
    dying_wait();
    dying_crash();
}
