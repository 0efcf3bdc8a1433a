/*
 * System time from the shared page: tsc, scale and shift give nanoseconds that never go back, also across turns of other domains.
 *
 * rdtsc works in the guest; the version is even when the guest looks at rest. No length of time is asserted, only the order.
 */
#include "test.h"
#include "time.h"

TEST
{
    u64 before = system_time(), first = before;

    for (int i = 0; i < 2000; i++) {
        if (i % 20 == 0)
            yield();
        u64 now = system_time();
        if (now < before)
            TEST_FAIL("time went from %lu back to %lu", before, now);
        before = now;
    }
    CHECK(before > first);
}
