/*
 * What boot/start.asm calls.
 */
#ifndef KOAN_BOOT_MAIN_H
#define KOAN_BOOT_MAIN_H

#include "lib/types.h"

/* `info`: machine address of the Multiboot2 information; `image`: where the loader put the
 * hypervisor. */
NORETURN void koan_main(u64 info, u64 image);

#endif
