/*
 * The hypervisor's own address space: what stands in the sixteen L4 slots that all page-table trees
 * share (x86/layout.h).
 *
 * Made once at start-up and constant from then on, but for the descriptor windows. Every mapping is
 * supervisor-only except the machine-to-physical table, which ring 3 may read. Nothing is both
 * writable and executable; the image's code is not in the direct map.
 */
#ifndef KOAN_MM_MAP_H
#define KOAN_MM_MAP_H

#include "lib/ranges.h"
#include "lib/types.h"
#include "mm/addr.h"

/* How device memory is cached. */
enum map_device_cache {
    MAP_UNCACHED,        /* registers */
    MAP_WRITE_COMBINING, /* a framebuffer */
};

/* Make the hypervisor's page tables with image and direct map, and load them. `ram`: below
 * DIRECTMAP_MAX; `image`: its machine address; `pages_1g`: superpages of 1 GiB exist. */
void map_init(const struct range_list *ram, u64 image, bool pages_1g);

/* Map frame table and machine-to-physical table for `ram` and fill them in: RAM belongs to the
 * hypervisor (OWNER_KOAN) until the allocator gets it, all else to nobody (OWNER_NONE). */
void map_frame_table(const struct range_list *ram);

/* Map the block (stacks, struct cpu) and the descriptor window of a CPU. */
void map_cpu(u32 cpu);

/* Map device memory; the same for as long as the machine runs. Start-up only. */
void *map_device(u64 address, u64 size, enum map_device_cache cache);

/* Copy the hypervisor's sixteen entries into an L4. */
void map_fill_l4(pte_t *l4);

/* The sixteen entries that a validated L4 must hold, from slot HYP_L4_FIRST on. */
const pte_t *map_l4_entries(void);

/* The L4 that has nothing but the hypervisor: what CR3 holds while a CPU is idle. */
mfn_t map_root(void);

/* The page-table entries of a CPU's descriptor window: 16 for the GDT (the first 14 are the running
 * guest's), 16 for its LDT. */
pte_t *map_desc_entries(u32 cpu);

#endif
