/*
 * What this CPU can do, and its control registers set to how the hypervisor wants them.
 */
#ifndef KOAN_X86_FEATURES_H
#define KOAN_X86_FEATURES_H

#include "lib/types.h"

enum cpu_vendor {
    VENDOR_OTHER,
    VENDOR_INTEL,
    VENDOR_AMD, /* and Hygon */
};

struct cpu_features {
    enum cpu_vendor vendor;
    u32 family, model, stepping;
    char name[49]; /* brand string */
    bool smep, smap, x2apic, pages_1g, tsc_invariant;
    bool hypervisor; /* an emulator or another hypervisor below */
};

extern struct cpu_features cpu_features; /* r: of the boot CPU; all CPUs are taken to be alike */

/* On the boot CPU: find out, set this CPU up, open the SMAP sites. The image must still be writable. */
void features_init(void);

/* Control registers of this CPU: the same on every CPU. */
void features_setup_cpu(void);

/* A line about the CPU, and one about the flaws that break the isolation of PV guests. */
void features_print(void);

/* The page attribute table: Xen's, which guests rely on. Index 4 (PAT bit set) is write-combining. */
#define PAT_VALUE 0x0000050100070406UL

#endif
