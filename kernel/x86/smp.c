/*
 * Starting the other CPUs: see smp.h.
 *
 * INIT to all that are listed, 10 ms, then for each one: its stack into the trampoline, the
 * start-up interrupt, and wait until it says that it is there. One that never says so is stopped by
 * a second INIT, and its block goes to the next.
 */
#include "x86/smp.h"

#include "lib/panic.h"
#include "lib/string.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/descriptors.h"
#include "x86/features.h"
#include "x86/upcalls.h"

#define XAPIC_ID_MAX   254
#define INIT_WAIT_US   10000
#define STARTUP_US     200
#define ANSWER_WAIT_US 500000

extern const u8 trampoline_start[], trampoline_end[], trampoline_args[];

struct PACKED trampoline_args {
    u64 stack;
    u64 entry;
    u32 cr3;
    u32 far_offset; /* += address of the page */
    u16 far_selector;
    u16 gdt_limit;
    u32 gdt_base; /* += address of the page */
};

u32 nr_cpus = 1;

static u64 hypervisor_cr3; /* r */

/* LAB 1.5: Wake another CPU and bring it, on a block of its own, to its idle loop. */

/* First C of another CPU, on its own block, whose struct cpu is zero but for the id. */
static NORETURN void other_cpu_main(void)
{
    struct cpu *c = this_cpu();

    features_setup_cpu();
    c->cr3 = hypervisor_cr3;
    write_cr3(hypervisor_cr3);
    descriptors_setup_cpu();
    apic_setup_cpu();
    __atomic_store_n(&c->online, 1, __ATOMIC_RELEASE);
    while (nr_cpus <= c->id) /* the boot CPU counts it in */
        cpu_relax();
    apic_start_timer();
    cpu_idle_loop();
}

/* Copy the trampoline to its page and fill in what is the same for all CPUs; returns the arguments
 * in that copy. */
static struct trampoline_args *write_trampoline(const struct smp_setup *setup)
{
    u8 *page = setup->trampoline_page;
    struct trampoline_args *args =
        (struct trampoline_args *)(page + (trampoline_args - trampoline_start));

    memcpy(page, trampoline_start, trampoline_end - trampoline_start);
    args->cr3 = (u32)setup->first_cr3;
    args->far_offset += (u32)setup->trampoline;
    args->gdt_base += (u32)setup->trampoline;
    args->entry = (u64)other_cpu_main;
    return args;
}

static bool answers_within(struct cpu *c, u32 us)
{
    for (u32 waited = 0; waited < us; waited += STARTUP_US) {
        if (__atomic_load_n(&c->online, __ATOMIC_ACQUIRE))
            return true;
        clock_wait_us(STARTUP_US);
    }
    return __atomic_load_n(&c->online, __ATOMIC_ACQUIRE);
}

/* Start the CPU with that APIC id, whose INIT was sent a while ago, as CPU number nr_cpus; `page` is
 * the trampoline's. False, and nothing counted, if it doesn't answer in ANSWER_WAIT_US. */
static bool start_one(u32 target, u8 page, struct trampoline_args *args)
{
    struct cpu *c = cpu_of(nr_cpus);

    c->id = nr_cpus;
    args->stack = (u64)c - sizeof(struct regs);
    asm volatile("" : : : "memory");
    apic_send_startup(target, page);
    if (!answers_within(c, STARTUP_US)) {
        apic_send_startup(target, page);
        if (!answers_within(c, ANSWER_WAIT_US)) {
            apic_send_init(target);
            printk("CPU with APIC id %u does not start: left out\n", target);
            return false;
        }
    }
    __atomic_store_n(&nr_cpus, nr_cpus + 1, __ATOMIC_RELEASE);
    return true;
}

/* END LAB 1.5 */

static bool can_start(u32 target)
{
    return target != this_cpu()->apic_id && (cpu_features.x2apic || target <= XAPIC_ID_MAX);
}

void smp_start(const struct acpi_info *acpi, const struct smp_setup *setup)
{
    struct trampoline_args *args;
    u32 others = 0;

    hypervisor_cr3 = setup->cr3;
    if (acpi->problem)
        printk("ACPI: %s: only the boot CPU is used\n", acpi->problem);
    for (u32 i = 0; i < acpi->nr_cpus; i++)
        others += can_start(acpi->apic_ids[i]);
    if (others && setup->trampoline) {
        args = write_trampoline(setup);
        for (u32 i = 0; i < acpi->nr_cpus; i++)
            if (can_start(acpi->apic_ids[i]))
                apic_send_init(acpi->apic_ids[i]);
        clock_wait_us(INIT_WAIT_US);
        for (u32 i = 0; i < acpi->nr_cpus && nr_cpus < setup->blocks; i++)
            if (can_start(acpi->apic_ids[i]))
                start_one(acpi->apic_ids[i], setup->trampoline >> PAGE_SHIFT, args);
    }
    this_cpu()->online = 1;
    printk("CPUs: %u of %u started, %s\n", nr_cpus,
           acpi->nr_cpus + acpi->cpus_lost + !acpi->nr_cpus,
           cpu_features.x2apic ? "x2APIC" : "APIC");
}
