/*
 * Reading the Multiboot2 boot information.
 */
#ifndef KOAN_BOOT_MULTIBOOT2_H
#define KOAN_BOOT_MULTIBOOT2_H

#include "boot/boot_info.h"

/*
 * `data` is the structure that the loader left, readable for `size` bytes. Returns NULL and fills
 * *out, or says in a few words what is wrong. Pure: no global state, no access outside [data, data
 * + size), whatever stands in there.
 */
const char *multiboot2_parse(const void *data, size_t size, struct boot_info *out);

#endif
