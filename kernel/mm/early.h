/*
 * Memory while the machine starts: whole pages, taken from what is free of the memory map and never
 * given back.
 *
 * What the hypervisor keeps for ever (page tables, frame table, CPU blocks) comes from here.
 * early_finish() hands the rest to the caller, who gives it to the allocator; nothing can be taken
 * afterwards. Boot CPU only.
 */
#ifndef KOAN_MM_EARLY_H
#define KOAN_MM_EARLY_H

#include "lib/ranges.h"
#include "lib/types.h"
#include "mm/addr.h"

/* `free`: usable memory without the image, the modules and the loader's data. Only addresses
 * below `limit` are given out until early_raise_limit(): those that are mapped. */
void early_init(const struct range_list *free, u64 limit);
void early_raise_limit(u64 limit);

/* Zeroed memory of that many bytes (a multiple of PAGE_SIZE), aligned. Running out ends the start:
 * there is nothing to run with. */
mfn_t early_take(u64 size, u64 align);

/* The same with whatever stands in it: the caller writes all of it. */
mfn_t early_take_dirty(u64 size, u64 align);

/* One zeroed page. */
static inline mfn_t early_page(void)
{
    return early_take(PAGE_SIZE, PAGE_SIZE);
}

/* What is left. */
const struct range_list *early_finish(void);

/* Bytes taken so far. */
u64 early_taken(void);

#endif
