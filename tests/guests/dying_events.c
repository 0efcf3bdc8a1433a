/*
 * A domain ends in the midst of a storm of events: to itself, over a channel whose ends are both its own, and through ports that come and go.
 */
#define NEEDS_VCPUS 2
#include "dying.h"
#include "event.h"

static void work(u64 argument)
{
    (void)argument;
    domid_t self = DOMID_SELF;
    s64 ipi = event_bind_ipi(0), listener;

    for (;;) {
        listener = event_alloc_unbound(self);
        s64 end = event_bind_interdomain(self, (u32)listener);
        bool good = listener > 0 && end > 0;

        for (u32 i = 0; i < 50; i++) {
            good &= AMID(event_send((u32)end)) == 0 && AMID(event_send((u32)ipi)) == 0;
            event_clear((u32)listener);
            event_clear((u32)ipi);
        }
        good &= AMID(event_close((u32)listener)) == 0 && AMID(event_close((u32)end)) == 0;
        dying_count(good);
    }
}

TEST
{
    die_amid("a storm of events", work);
}
