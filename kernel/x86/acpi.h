/*
 * What the hypervisor wants from ACPI's tables: the CPUs, the I/O APICs, one timer (ACPI
 * specification 6.5, ch. 5).
 */
#ifndef KOAN_X86_ACPI_H
#define KOAN_X86_ACPI_H

#include "lib/types.h"
#include "x86/layout.h"

#define ACPI_IO_APICS_MAX 32

struct acpi_info {
    u32 nr_cpus;           /* enabled ones; 0: no table says */
    u32 apic_ids[NR_CPUS]; /* in the firmware's order, each once */
    u32 cpus_lost;         /* more than NR_CPUS */
    u32 nr_io_apics;
    u64 io_apics[ACPI_IO_APICS_MAX]; /* machine addresses */
    u16 pm_timer;                    /* I/O port, 0: none */
    const char *problem;             /* NULL, or why there is nothing in here */
};

/*
 * `rsdp`: the root pointer as the loader copied it, or NULL. `reach` gives access to `size` bytes
 * at a machine address, or NULL where it can't. Tables are taken from the firmware as they are, so
 * nothing in them is trusted: checksums, lengths, counts.
 */
void acpi_read(const void *rsdp, u32 rsdp_length, const void *(*reach)(u64 address, u64 size),
               struct acpi_info *out);

#endif
