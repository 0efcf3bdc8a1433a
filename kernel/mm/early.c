/*
 * Memory while the machine starts: see early.h.
 */
#include "mm/early.h"

#include "lib/panic.h"
#include "lib/string.h"

static struct range_list pool;
static u64 pool_limit;
static u64 taken;
static bool finished;

void early_init(const struct range_list *free, u64 limit)
{
    pool = *free;
    pool_limit = limit;
}

void early_raise_limit(u64 limit)
{
    pool_limit = limit;
}

mfn_t early_take_dirty(u64 size, u64 align)
{
    u64 address;

    assert(!finished);
    address = ranges_take(&pool, size, align, pool_limit);
    if (address == ~0UL)
        panic("not enough memory to start: no %lu KiB in one piece; give the machine more memory",
              size >> 10);
    taken += size;
    return MFN(address >> PAGE_SHIFT);
}

mfn_t early_take(u64 size, u64 align)
{
    mfn_t first = early_take_dirty(size, align);

    memset(mfn_to_virt(first), 0, size);
    return first;
}

const struct range_list *early_finish(void)
{
    finished = true;
    return &pool;
}

u64 early_taken(void)
{
    return taken;
}
