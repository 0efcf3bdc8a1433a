/*
 * Starting the other CPUs (SDM vol. 3, 8.4).
 */
#ifndef KOAN_X86_SMP_H
#define KOAN_X86_SMP_H

#include "lib/types.h"
#include "x86/acpi.h"

/* What smp_start() needs from those who know memory. */
struct smp_setup {
    u64 trampoline; /* machine address of a free page below 1 MiB, mapped at its own address in first_cr3 */
    void *trampoline_page; /* the same page, writable */
    u64 first_cr3; /* below 4 GiB; maps the trampoline at its own address, and the hypervisor */
    u64 cr3;       /* the hypervisor's own */
    u32 blocks;    /* CPU blocks that are mapped, ids 0..blocks-1 */
};

/* Start every CPU of the list but this one, one after the other. Each ends in cpu_idle_loop(), its
 * timer started. Sets nr_cpus. Interrupts off. */
void smp_start(const struct acpi_info *acpi, const struct smp_setup *setup);

#endif
