/*
 * Which device memory a privileged domain may map: see device.h. Written at boot, only read afterwards.
 */
#include "mm/device.h"

#include "lib/panic.h"

#define MAX_RESERVED 64 /* IO-APICs are the most numerous: a few a socket */

static struct {
    u64 first, count;
} reserved[MAX_RESERVED];
static u32 nr_reserved;
static u64 frame_limit = BIT(36 - PAGE_SHIFT); /* what every 64-bit CPU has */

void device_init(unsigned int physical_bits)
{
    physical_bits =
        min(max(physical_bits, 36U), 52U); /* what an entry has room for, whatever the CPU says */
    frame_limit = BIT(physical_bits - PAGE_SHIFT);
}

void device_reserve(mfn_t first, u64 count)
{
    if (nr_reserved == MAX_RESERVED)
        panic(
            "more than %u ranges of device memory to keep from guests: raise MAX_RESERVED in mm/device.c",
            MAX_RESERVED);
    reserved[nr_reserved].first = first.n;
    reserved[nr_reserved].count = count;
    nr_reserved++;
}

bool device_allowed(mfn_t mfn)
{
    if (mfn.n >= frame_limit)
        return false;
    for (u32 i = 0; i < nr_reserved; i++)
        if (mfn.n - reserved[i].first < reserved[i].count)
            return false;
    return true;
}
