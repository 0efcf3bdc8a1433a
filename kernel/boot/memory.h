/*
 * Memory at start-up: from the loader's map to page tables, frame table, CPU blocks and a filled allocator.
 */
#ifndef KOAN_BOOT_MEMORY_H
#define KOAN_BOOT_MEMORY_H

#include "boot/boot_info.h"

/* Make and load the hypervisor's page tables. `info_address`: the loader's data; `image`: our image; both machine addresses. */
void memory_start(struct boot_info *info, u64 info_address, u64 image);

/* Give all that start-up has not taken to the allocator. */
void memory_finish(const struct boot_info *info);

/* Go on at `next`, on the block of a CPU, whose page tables are loaded already. */
NORETURN void memory_enter_block(u32 cpu, void (*next)(void));

#endif
