/*
 * A short list of address ranges, sorted and disjoint: the memory map, and what is still free of it
 * while the machine starts.
 *
 * Pure and bounded: a list holds at most RANGES_MAX; what does not fit is left out (add) or, when a
 * cut would need one more range, the smaller part is given up (subtract), so a list never holds
 * more than it should. `lost` counts the bytes. No locking: start-up only.
 */
#ifndef KOAN_LIB_RANGES_H
#define KOAN_LIB_RANGES_H

#include "lib/types.h"

#define RANGES_MAX 128

struct range {
    u64 start, end; /* end is the first address behind it */
};

struct range_list {
    u32 count;
    struct range range[RANGES_MAX]; /* ascending, with gaps between them */
    u64 lost;                       /* bytes that did not fit into the list */
};

/* Add [start, end), joining what it touches. */
void ranges_add(struct range_list *list, u64 start, u64 end);

/* Take [start, end) out. */
void ranges_subtract(struct range_list *list, u64 start, u64 end);

/* Is all of [start, end) in the list? */
bool ranges_contain(const struct range_list *list, u64 start, u64 end);

/* Bytes in all ranges. */
u64 ranges_total(const struct range_list *list);

/* Take `size` bytes, aligned, out of the list: from the highest place that ends at or below
 * `limit`. Returns the address, or ~0 if there is none. */
u64 ranges_take(struct range_list *list, u64 size, u64 align, u64 limit);

#endif
