/*
 * The exception table: instructions of the hypervisor that may fault, each with the place where to go on.
 *
 * A pair of addresses for each, in section __ex_table (koan.lds keeps it between __ex_table_start and __ex_table_end). EXTABLE() is written
 * inside an asm string; GUEST_PUT/GUEST_GET are single-word accesses to guest memory that jump to a C label when they fault, for code
 * that makes several in a row between guest_access_begin() and guest_access_end() (which open SMAP, where the CPU has it).
 */
#ifndef KOAN_X86_EXTABLE_H
#define KOAN_X86_EXTABLE_H

#include "lib/types.h"

struct extable_entry {
    u64 insn;  /* address of the instruction that may fault */
    u64 fixup; /* where to go on */
};

#define EXTABLE(insn, fixup)                                                                       \
    ".pushsection __ex_table, \"a\"\n\t.quad " insn ", " fixup "\n\t.popsection\n\t"

/* Three-byte NOPs that start-up turns into STAC and CLAC on a CPU with SMAP: their addresses stand in sections .stac_sites and .clac_sites. */
#define SMAP_SITE(section)                                                                         \
    "771: .byte 0x0f, 0x1f, 0x00\n\t.pushsection " section                                         \
    ", \"a\"\n\t.quad 771b\n\t.popsection\n\t"

static ALWAYS_INLINE void guest_access_begin(void)
{
    asm volatile(SMAP_SITE(".stac_sites")::: "memory");
}

static ALWAYS_INLINE void guest_access_end(void)
{
    asm volatile(SMAP_SITE(".clac_sites")::: "memory");
}

/* *(u64 *)va = value; on a fault go to label. The range has been checked before. */
#define GUEST_PUT(va, value, label)                                                                \
    asm goto("1: movq %1, %0\n\t" EXTABLE("1b", "%l[" #label "]")::"m"(*(u64 *)(va)),              \
             "er"((u64)(value))                                                                    \
             : "memory"                                                                            \
             : label)

/* lvalue = *(u64 *)va; on a fault go to label. */
#define GUEST_GET(lvalue, va, label)                                                               \
    asm goto("1: movq %1, %0\n\t" EXTABLE("1b", "%l[" #label "]")                                  \
             : "=r"(lvalue)                                                                        \
             : "m"(*(const u64 *)(va))                                                             \
             : "memory"                                                                            \
             : label)

/* The same for a u32. */
#define GUEST_GET32(lvalue, va, label)                                                             \
    asm goto("1: movl %1, %0\n\t" EXTABLE("1b", "%l[" #label "]")                                  \
             : "=r"(lvalue)                                                                        \
             : "m"(*(const u32 *)(va))                                                             \
             : "memory"                                                                            \
             : label)

#endif
