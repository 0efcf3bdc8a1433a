/* Exceptions in the hypervisor: the table of expected ones. Called from entry.asm. */
#ifndef KOAN_X86_TRAP_H
#define KOAN_X86_TRAP_H

#include "x86/regs.h"

/* Where to go on after a fault of the instruction at rip, or 0 when none is expected there. */
u64 extable_find(u64 rip);

/* Go on at the fixup, or panic with a report. */
void hypervisor_exception(struct regs *regs);

/* Leave to the guest with the registers at guest_regs(), forgetting the stack below (entry.asm). */
NORETURN void leave_to_guest(void);

/* Forget the stack and run f, which must not return (entry.asm). */
NORETURN void run_on_empty_stack(void (*f)(void));

#endif
