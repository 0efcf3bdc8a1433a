/*
 * The end of the machine. Works from any state, a panic included, so it takes no lock.
 */
#include "x86/power.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "x86/asm.h"
#include "x86/console.h"

#define PORT_QEMU_EXIT 0xf4   /* isa-debug-exit: the tools put it there */
#define PORT_BOCHS_END 0x8900 /* Bochs's "Shutdown" port */
#define PORT_RESET     0xcf9  /* reset control of PC chip sets */
#define PORT_KEYBOARD  0x64
#define KEYBOARD_RESET 0xfe

enum end_mode end_mode = END_MODE_HALT;

static void emulator_exit(u32 code)
{
    char line[32];

    outl(PORT_QEMU_EXIT, code); /* QEMU ends here */

    koan_snprintf(line, sizeof(line), "KOAN-END %#x\n", code);
    console_write_emergency(line, strlen(line));
    for (const char *c = "Shutdown"; *c; c++)
        outb(PORT_BOCHS_END, *c);
}

/* First the chip set, then the keyboard controller, at last a triple fault: an exception without an
 * interrupt table. */
static void reboot(void)
{
    struct PACKED {
        u16 limit;
        u64 base;
    } no_idt = { 0, 0 };

    outb(PORT_RESET, 0x02);
    outb(PORT_RESET, 0x06);
    outb(PORT_KEYBOARD, KEYBOARD_RESET);
    for (u32 i = 0; i < 1000000; i++)
        cpu_relax();
    asm volatile("lidt %0; int3" : : "m"(no_idt));
}

NORETURN void machine_end(u32 code)
{
    interrupts_off();
    if (end_mode == END_MODE_EXIT)
        emulator_exit(code);
    if (end_mode == END_MODE_REBOOT)
        reboot();
    for (;;)
        asm volatile("hlt");
}
