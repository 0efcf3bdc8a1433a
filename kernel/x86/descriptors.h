/*
 * Segment descriptors, the task state segment and the interrupt table (SDM vol. 3, ch. 3, 6 and 8).
 *
 * Each CPU's GDT is a window at DESC_VA: its first 14 pages are the running guest's own GDT frames,
 * page 14 is the hypervisor's. The guest's selectors are those of the Xen PV ABI (FLAT_RING3_*),
 * real ring-3 descriptors, so that a guest may use them natively.
 */
#ifndef KOAN_X86_DESCRIPTORS_H
#define KOAN_X86_DESCRIPTORS_H

#include "lib/types.h"
#include "x86/cpu.h"

#define SEL_KOAN_CODE  0xe008 /* 64-bit code, ring 0 */
#define SEL_KOAN_DATA  0xe010
#define SEL_TSS        0xe038 /* two slots */
#define SEL_LDT        0xe048 /* two slots: the running guest's LDT */
#define SEL_GUEST_CS32 0xe023
#define SEL_GUEST_DATA 0xe02b
#define SEL_GUEST_CS64 0xe033

#define GDT_LIMIT       0xefff
#define GDT_GUEST_PAGES 14 /* pages of the window below the hypervisor's own */
#define LDT_PAGES       16

/* The windows of one CPU. */
static inline u64 gdt_window(u32 cpu)
{
    return DESC_VA + cpu * DESC_WINDOW_SIZE;
}
static inline u64 ldt_window(u32 cpu)
{
    return gdt_window(cpu) + 16 * PAGE_SIZE;
}

/* An interrupt table for the first steps of start-up, on the loader's GDT and one stack: a fault is
 * a report already. */
void descriptors_early(void);

/* Fill the shared interrupt table. Once. */
void descriptors_init(void);

/* Write this CPU's GDT page and TSS, then load GDT, IDT, TSS, segments and the SYSCALL registers.
 * On the CPU's own block. */
void descriptors_setup_cpu(void);

/* Point this CPU's LDT register at its window, for a table of that many entries; 0: no LDT. */
void ldt_load(u32 entries);

#endif
