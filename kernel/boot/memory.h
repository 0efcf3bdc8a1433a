/*
 * Memory at start-up: from the loader's map to page tables, frame table, CPU blocks and a filled
 * allocator.
 */
#ifndef KOAN_BOOT_MEMORY_H
#define KOAN_BOOT_MEMORY_H

#include "boot/boot_info.h"
#include "x86/smp.h"

/* ACPI's tables, while the first page tables (the first 4 GiB) are loaded: NULL for what lies
 * elsewhere. */
const void *memory_reach(u64 address, u64 size);

/*
 * Make and load the hypervisor's page tables, with blocks for that many CPUs. `info_address`: the
 * loader's data; `image`: our image; both machine addresses. Modules that don't lie in memory are
 * dropped from `info`.
 */
void memory_start(struct boot_info *info, u64 info_address, u64 image, u32 cpus);

/* Give all that start-up has not taken to the allocator. */
void memory_finish(const struct boot_info *info);

/* What smp_start() wants: a page below 1 MiB and page tables that map it where it is. */
void memory_smp_setup(struct smp_setup *setup);

/* Go on at `next`, on the block of a CPU, whose page tables are loaded already. */
NORETURN void memory_enter_block(u32 cpu, void (*next)(void));

#endif
