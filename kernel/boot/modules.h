/* Domains from boot modules: the module2 lines of the boot loader's menu. */
#ifndef KOAN_BOOT_MODULES_H
#define KOAN_BOOT_MODULES_H

#include "boot/boot_info.h"

/* Build a domain for each module that is a guest, then start them all. Returns how many run. */
u32 modules_start(const struct boot_info *info);

#endif
