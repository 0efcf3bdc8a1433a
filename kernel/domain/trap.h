/* Entry points of domain/trap.c that entry.asm calls, beside those of x86/upcalls.h. */
#ifndef KOAN_DOMAIN_TRAP_H
#define KOAN_DOMAIN_TRAP_H

#include "domain/domain.h"

struct regs *iret_fault(struct regs *fault);

#endif
