/*
 * What the boot loader handed over, in one struct that says nothing about how: memory, modules,
 * command line, ACPI, screen.
 *
 * Filled by boot/multiboot2.c. Strings and the RSDP point into the loader's own data, which
 * start-up keeps out of the free memory.
 */
#ifndef KOAN_BOOT_BOOT_INFO_H
#define KOAN_BOOT_BOOT_INFO_H

#include "lib/ranges.h"
#include "lib/types.h"
#include "x86/screen.h"

#define BOOT_MODULES_MAX 32

struct boot_module {
    u64 start, end;           /* machine addresses, start < end */
    const char *command_line; /* the whole text of the module2 line behind the file; may be "" */
};

struct boot_info {
    const char *command_line; /* "" if there is none */
    const char *loader;
    struct range_list ram; /* usable memory, in whole pages */
    u32 nr_modules;
    u32 modules_lost; /* more than BOOT_MODULES_MAX, empty, or not in usable memory */
    struct boot_module modules[BOOT_MODULES_MAX];
    const void *rsdp; /* copy of ACPI's root pointer, or NULL */
    u32 rsdp_length;
    struct screen_config screen;
};

#endif
