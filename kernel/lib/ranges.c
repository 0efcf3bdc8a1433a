/*
 * Sorted lists of address ranges: see ranges.h.
 */
#include "lib/ranges.h"

static void remove_at(struct range_list *list, u32 index, u32 how_many)
{
    for (u32 i = index; i + how_many < list->count; i++)
        list->range[i] = list->range[i + how_many];
    list->count -= how_many;
}

static bool insert_at(struct range_list *list, u32 index, u64 start, u64 end)
{
    if (list->count == RANGES_MAX) {
        list->lost += end - start;
        return false;
    }
    for (u32 i = list->count; i > index; i--)
        list->range[i] = list->range[i - 1];
    list->range[index] = (struct range){ start, end };
    list->count++;
    return true;
}

void ranges_add(struct range_list *list, u64 start, u64 end)
{
    u32 first = 0, after;

    if (start >= end)
        return;
    while (first < list->count && list->range[first].end < start)
        first++;
    /* Ranges first..after-1 touch the new one: they become one. */
    for (after = first; after < list->count && list->range[after].start <= end; after++) {
        start = min(start, list->range[after].start);
        end = max(end, list->range[after].end);
    }
    if (after == first) {
        insert_at(list, first, start, end);
        return;
    }
    list->range[first] = (struct range){ start, end };
    remove_at(list, first + 1, after - first - 1);
}

/* Cut a hole into range i, which reaches beyond it on both sides. */
static void split(struct range_list *list, u32 i, u64 start, u64 end)
{
    struct range *r = &list->range[i];
    struct range low = { r->start, start }, high = { end, r->end };

    *r = low;
    if (list->count < RANGES_MAX)
        insert_at(list, i + 1, high.start, high.end);
    else if (high.end - high.start > low.end - low.start) {
        list->lost += low.end - low.start;
        *r = high;
    } else
        list->lost += high.end - high.start;
}

void ranges_subtract(struct range_list *list, u64 start, u64 end)
{
    if (start >= end)
        return;
    for (u32 i = 0; i < list->count;) {
        struct range *r = &list->range[i];

        if (r->end <= start || r->start >= end) {
            i++;
        } else if (start <= r->start && r->end <= end) {
            remove_at(list, i, 1);
        } else if (start > r->start && end < r->end) {
            split(list, i, start, end);
            return;
        } else {
            if (start > r->start)
                r->end = start;
            else
                r->start = end;
            i++;
        }
    }
}

bool ranges_contain(const struct range_list *list, u64 start, u64 end)
{
    for (u32 i = 0; i < list->count; i++)
        if (list->range[i].start <= start && end <= list->range[i].end)
            return true;
    return false;
}

u64 ranges_total(const struct range_list *list)
{
    u64 total = 0;

    for (u32 i = 0; i < list->count; i++)
        total += list->range[i].end - list->range[i].start;
    return total;
}

u64 ranges_take(struct range_list *list, u64 size, u64 align, u64 limit)
{
    for (u32 i = list->count; i-- > 0;) {
        u64 end = min(list->range[i].end, limit), start;

        if (end < size)
            continue;
        start = ROUND_DOWN(end - size, align);
        if (start < list->range[i].start)
            continue;
        ranges_subtract(list, start, start + size);
        return start;
    }
    return ~0UL;
}
