/*
 * A vCPU that never gives its CPU away loses it all the same: two that spin both get on. A poll with a time-out is over in time beside one that spins. Source:
 * the ABI says nothing, but every guest counts on it.
 */
#include "test.h"
#include "smp.h"
#include "time.h"

#define NEEDS_VCPUS 2

static volatile u64 counter;

static void second(u64 argument)
{
    (void)argument;
    for (;;)
        counter++;
}

TEST
{
    struct vcpu_runstate_info info;

    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs two vCPUs");
    CHECK_RC(smp_start(1, second, 0), 0);
    for (int i = 0; i < 20; i++) {
        u64 before = counter, start = system_time();
        while (counter == before) /* it gets its turn while this one spins, too */
            if (system_time() - start > 30000000000UL)
                TEST_FAIL("the other vCPU has not run for 30 seconds");
    }
    u64 end = system_time() + 50000000;
    sleep_until(end);
    CHECK(system_time() - end < 30000000000UL);
    CHECK_RC(vcpu_op(VCPUOP_get_runstate_info, 1, &info), 0);
    CHECK(info.time[RUNSTATE_running] > 0);
    CHECK_EQ(info.time[RUNSTATE_blocked], 0); /* it has never slept */
}
