/*
 * The only functions that x86/ calls upwards: what the entry code needs from the layers above. Defined in domain/ (guest_*, schedule,
 * exit_work) and hypercall/ (hypercall_table, named by entry.asm).
 */
#ifndef KOAN_X86_UPCALLS_H
#define KOAN_X86_UPCALLS_H

#include "x86/cpu.h"

/* An exception in ring 3. Returns when the guest may go on (at regs). Interrupts on. */
void guest_trap(struct regs *regs, struct vcpu *v);

/* Two debug exceptions in ring 3 at once: where the guest was is lost. Interrupts off. */
void guest_debug_lost(struct regs *regs, struct vcpu *v);

/* SYSCALL from guest user mode (kernel mode goes straight to the hypercall table). Interrupts on. */
void guest_syscall(struct regs *regs, struct vcpu *v);

/* A hypercall number outside the table. Returns the result for rax. */
s64 hypercall_unknown(void);

/* cpu->work is not zero, or an upcall is to be delivered, on the way out to a guest. Interrupts on; called until nothing is left. */
void exit_work(struct regs *regs);

/* The loop of a CPU without a vCPU: where start-up ends on every CPU. Runs on an empty stack. */
NORETURN void cpu_idle_loop(void);

/* A fault in the hypervisor itself that no exception-table entry covers: panics with a report. */
NORETURN void hypervisor_trap(struct regs *regs);

/* NMI and machine check, on their own stacks. */
void nmi_handler(struct regs *regs);
NORETURN void machine_check_handler(struct regs *regs);

#endif
