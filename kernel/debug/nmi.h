/*
 * Non-maskable interrupts between CPUs: to stop the others in a panic, and to ask one where it is.
 */
#ifndef KOAN_DEBUG_NMI_H
#define KOAN_DEBUG_NMI_H

#include "lib/types.h"

/* Stop all other CPUs for good; returns when they have stopped or have had their chance. */
void nmi_stop_others(void);

/* One line for each CPU that was stopped: where it was. */
void nmi_report_stopped(void);

/* Have that CPU print a report of where it is, headed by one line that ends with `why`. */
void nmi_ask(u32 cpu, const char *why);

#endif
