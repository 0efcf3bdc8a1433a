/*
 * The story of start-up, from the first line of C to the first guest: one call a line, in the order
 * in which each thing can be there.
 *
 * It has two parts, because the boot CPU changes its stack in between: koan_main() runs on a stack
 * inside the image, on the page tables that boot/start.asm made; start_up() on the CPU's own block
 * and the real page tables.
 */
#include "boot/main.h"

#include "boot/devices.h"
#include "boot/memory.h"
#include "boot/modules.h"
#include "boot/multiboot2.h"
#include "boot/options.h"
#include "debug/trace.h"
#include "domain/context.h"
#include "domain/cpuid.h"
#include "domain/descriptor.h"
#include "domain/sched.h"
#include "lib/debug.h"
#include "lib/panic.h"
#include "mm/map.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/console.h"
#include "x86/cpu.h"
#include "x86/descriptors.h"
#include "x86/features.h"
#include "x86/smp.h"
#include "x86/upcalls.h"

static struct boot_info boot_info;
static struct boot_options options;
static struct acpi_info acpi;
static struct smp_setup smp;

static NORETURN void start_up(void);

/* The loader's data, which is below 4 GiB and so inside the first direct map. */
static void read_boot_info(u64 address)
{
    const void *data = (const void *)(DIRECTMAP_VA + address);
    const char *problem = multiboot2_parse(data, *(const u32 *)data, &boot_info);

    options_read(boot_info.command_line, &options);
    console_init(&options.console);
    if (problem)
        panic("%s", problem);
}

static void greet(void)
{
    printk("Koan, booted by %s: %s\n", *boot_info.loader ? boot_info.loader : "an unnamed loader",
           boot_info.command_line);
    if (options.problem)
        printk("option %s: %s (the options: boot/options.h)\n", options.problem_at,
               options.problem);
}

NORETURN void koan_main(u64 info, u64 image)
{
    read_boot_info(info); /* memory map, modules, options; then the console works */
    devices_screen_early(&boot_info);
    descriptors_early(); /* from here on a fault is a report, */
    greet();
    features_init(); /* while code may still be written: SMAP's places are patched */
    trace_patch();   /* likewise the trace points that the command line names */
    features_print();
    acpi_read(boot_info.rsdp, boot_info.rsdp_length, memory_reach, &acpi); /* how many CPUs */
    screen_move(NULL);                                            /* its first mapping ends here */
    memory_start(&boot_info, info, image, max(acpi.nr_cpus, 1U)); /* the real page tables */
    memory_enter_block(0, start_up);
}

static NORETURN void start_up(void)
{
    descriptors_init();
    descriptors_setup_cpu();          /* and from here on even one of the stack */
    devices_start(&boot_info, &acpi); /* screen, interrupt controllers, clock */
    memory_finish(&boot_info);        /* the allocator gets what is left */
    idle_cr3 = map_root().n << PAGE_SHIFT;
    cpuid_init();      /* what guests will see of the CPU */
    descriptor_init(); /* and of segment descriptors */
    sched_init();      /* the other CPUs go idle at once */
    memory_smp_setup(&smp);
    smp_start(&acpi, &smp);
    debug_init();              /* a trace ring for every CPU */
    modules_start(&boot_info); /* a domain for each guest among the modules */
    apic_start_timer();
    debug_selftest(); /* `test=` on the command line: nothing, as a rule */
    cpu_idle_loop();  /* which finds them on the run queue */
}
