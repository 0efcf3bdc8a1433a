/*
 * What the hypervisor wants from ACPI's tables: the CPUs, the I/O APICs, how the interrupts of the old
 * ISA bus are wired, one timer (ACPI specification 6.5, ch. 5).
 */
#ifndef KOAN_X86_ACPI_H
#define KOAN_X86_ACPI_H

#include "lib/types.h"
#include "x86/layout.h"

#define ACPI_IO_APICS_MAX 32
#define ISA_IRQS          16

/* A global system interrupt is an input of an I/O APIC: the first of each has the number `first_gsi`. */
struct acpi_io_apic {
    u64 address; /* of the machine */
    u32 first_gsi;
};

/* Which input an ISA interrupt drives, and how. Without a word of the firmware: its own number, edge-triggered, active high. */
struct acpi_isa_irq {
    u32 gsi;
    bool level, active_low;
};

struct acpi_info {
    u32 nr_cpus;           /* enabled ones; 0: no table says */
    u32 apic_ids[NR_CPUS]; /* in the firmware's order, each once */
    u32 cpus_lost;         /* more than NR_CPUS */
    u32 nr_io_apics;
    struct acpi_io_apic io_apics[ACPI_IO_APICS_MAX];
    struct acpi_isa_irq isa_irqs[ISA_IRQS];
    u16 pm_timer;        /* I/O port, 0: none */
    const char *problem; /* NULL, or why there is nothing in here */
};

/*
 * `rsdp`: the root pointer as the loader copied it, or NULL. `reach` gives access to `size` bytes
 * at a machine address, or NULL where it can't. Tables are taken from the firmware as they are, so
 * nothing in them is trusted: checksums, lengths, counts.
 */
void acpi_read(const void *rsdp, u32 rsdp_length, const void *(*reach)(u64 address, u64 size),
               struct acpi_info *out);

#endif
