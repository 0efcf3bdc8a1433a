/*
 * The memory map that a domain is told: see memory_map.c. Each takes the address of its argument, and answers as the hypercall does.
 */
#ifndef KOAN_HYPERCALL_MEMORY_MAP_H
#define KOAN_HYPERCALL_MEMORY_MAP_H

#include "lib/types.h"

s64 memory_map_get(u64 arg);
s64 memory_map_set(u64 arg);

#endif
