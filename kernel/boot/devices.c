/*
 * The hypervisor's own devices: see devices.h.
 */
#include "boot/devices.h"

#include "boot/memory.h"
#include "domain/pirq.h"
#include "lib/panic.h"
#include "mm/device.h"
#include "mm/map.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/clock.h"
#include "x86/io_apic.h"
#include "x86/screen.h"

#define SCREEN_SIZE_MAX MIB(256) /* more is no framebuffer */

extern u64 start_tsc; /* start.asm: when the loader handed over */

void devices_screen_early(const struct boot_info *info)
{
    screen_init(&info->screen);
    screen_move((void *)memory_reach(info->screen.address, screen_size(&info->screen)));
}

static void print_screen(const struct screen_config *screen)
{
    if (screen->kind == SCREEN_PIXELS)
        printk("screen: %ux%u points of %u bits at %#lx\n", screen->width, screen->height,
               screen->bits, screen->address);
    else
        printk("screen: %s\n", screen->kind == SCREEN_TEXT ? "text" : "none");
}

static void map_screen(const struct screen_config *screen)
{
    u64 size = screen_size(screen);

    if (screen->kind != SCREEN_NONE && size > 0 && size <= SCREEN_SIZE_MAX)
        screen_move(map_device(screen->address, size, MAP_WRITE_COMBINING));
}

/* Where local APICs take their registers and all interrupt messages (SDM vol. 3, 10.4.1 and 10.11.1). */
#define MESSAGES_FIRST MFN(0xfee00)
#define MESSAGES_COUNT 0x100

/* Registers that no guest may touch. */
static void *own_registers(u64 address)
{
    device_reserve(MFN(address >> PAGE_SHIFT), 1);
    return map_device(address, PAGE_SIZE, MAP_UNCACHED);
}

static void start_interrupt_controllers(const struct acpi_info *acpi)
{
    u64 address;

    if (apic_wants_registers(&address))
        apic_init(own_registers(address));
    else
        apic_init(NULL);
    for (u32 i = 0; i < acpi->nr_io_apics; i++)
        io_apic_add(&acpi->io_apics[i], own_registers(acpi->io_apics[i].address));
    pirq_init(acpi);
    apic_setup_cpu();
}

void devices_start(const struct boot_info *info, const struct acpi_info *acpi)
{
    map_screen(&info->screen);
    print_screen(&info->screen);
    device_init(cpuid(0x80000008, 0).eax & 0xff);
    device_reserve(MESSAGES_FIRST, MESSAGES_COUNT);
    start_interrupt_controllers(acpi);
    clock_init(start_tsc, acpi->pm_timer);
}
