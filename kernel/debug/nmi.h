/*
 * Non-maskable interrupts between CPUs: to stop the others in a panic, and to ask one where it is.
 */
#ifndef KOAN_DEBUG_NMI_H
#define KOAN_DEBUG_NMI_H

#include "x86/regs.h"

/* Stop all other CPUs for good; returns when they have stopped or have had their chance. */
void nmi_stop_others(void);

/* One line for each CPU that was stopped: where it was. */
void nmi_report_stopped(void);

/* Have another CPU report where it is, headed by the line `CPU n WHY, in FUNCTION`. */
void nmi_ask(u32 cpu, const char *why);

/* The report itself, for the CPU that runs this. */
void nmi_answer(const struct regs *regs, const char *why);

/* How many of these reports have been given since start-up. */
u32 nmi_reports(void);

#endif
