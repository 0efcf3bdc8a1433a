/*
 * The parts that reports are made of: where a CPU is, its registers, which locks it holds, and guests' registers.
 */
#ifndef KOAN_DEBUG_REPORT_H
#define KOAN_DEBUG_REPORT_H

#include "domain/domain.h"
#include "x86/regs.h"

/* The name of an exception, "" for other vectors. */
const char *trap_name(u32 vector);

/* General registers, rip and flags. */
void report_regs(const struct regs *regs);

/* One line: the CPU, the domain and vCPU that it runs, and the locks that it holds. */
void report_where(const struct cpu *cpu);

/* What a page fault's error code says, in words, into `buf` (at least 64 bytes); returns buf. */
const char *page_fault_words(char *buf, size_t size, u32 error_code);

#endif
