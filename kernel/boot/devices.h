/*
 * The devices that the hypervisor uses itself: screen, interrupt controllers, clock.
 */
#ifndef KOAN_BOOT_DEVICES_H
#define KOAN_BOOT_DEVICES_H

#include "boot/boot_info.h"
#include "x86/acpi.h"

/* The screen while the first page tables are loaded, so that even an early panic shows. */
void devices_screen_early(const struct boot_info *info);

/* Map the devices' registers, set them up for the boot CPU, measure the clock. */
void devices_start(const struct boot_info *info, const struct acpi_info *acpi);

#endif
