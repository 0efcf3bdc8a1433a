/*
 * A domain ends in the midst of giving frames up, getting others, and exchanging some: whoever has a frame at that moment, it is given back once.
 * Source: XENMEM_decrease_reservation, XENMEM_populate_physmap and XENMEM_exchange in memory.h.
 */
#define NEEDS_VCPUS 2
#include "dying.h"

#define FRAMES 256

static u64 pfns[FRAMES], mfns[FRAMES], fresh[FRAMES];

static s64 reservation(u32 cmd, u64 *list)
{
    struct xen_memory_reservation r = { .extent_start = (u64)list,
                                        .nr_extents = FRAMES,
                                        .domid = DOMID_SELF };

    return memory_op(cmd, &r);
}

static s64 exchange(void)
{
    struct xen_memory_exchange arg = {
        .in = { .extent_start = (u64)mfns, .nr_extents = FRAMES, .domid = DOMID_SELF },
        .out = { .extent_start = (u64)fresh, .nr_extents = FRAMES, .domid = DOMID_SELF },
    };

    return memory_op(XENMEM_exchange, &arg);
}

static void work(u64 argument)
{
    (void)argument;
    for (;;) {
        memcpy(fresh, pfns, sizeof(fresh));
        bool good = AMID(exchange()) == 0;

        good &= AMID(reservation(XENMEM_decrease_reservation, fresh)) == FRAMES;
        memcpy(mfns, pfns, sizeof(mfns));
        good &= AMID(reservation(XENMEM_populate_physmap, mfns)) == FRAMES;
        dying_count(good);
    }
}

TEST
{
    for (u32 i = 0; i < FRAMES; i++) {
        pfns[i] = pfn_alloc();
        mfns[i] = pfn_mfn(pfns[i]);
    }
    die_amid("exchanging, giving up and getting frames", work);
}
