/*
 * Interrupts: what entry.asm calls for vectors 32 and up, on the stack that was running, with
 * interrupts off.
 *
 * A handler takes no lock and does no work: it sets bits of cpu->work, which the CPU looks at
 * before it goes back to a guest, and answers TLB-flush requests.
 */
#ifndef KOAN_X86_INTERRUPT_H
#define KOAN_X86_INTERRUPT_H

#include "x86/regs.h"

void interrupt(struct regs *regs);

#endif
