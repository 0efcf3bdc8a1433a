/*
 * Emulation of privileged instructions that a guest's kernel executes in ring 3, where they fault.
 *
 * Which ones, and what they do, is Xen 4.17's choice (ports, CLI and STI, control and debug
 * registers, MSRs, WBINVD, INT n, and CPUID behind the forced-emulation prefix); all others go back
 * to the guest as the exception that they are.
 */
#ifndef KOAN_DOMAIN_EMULATE_H
#define KOAN_DOMAIN_EMULATE_H

#include "domain/domain.h"
#include "lib/insn.h"

/* #GP in guest mode. True: handled, the guest goes on at regs. False: give it the exception. */
bool emulate_gp(struct vcpu *v, struct regs *regs);

/*
 * #UD in guest mode: carries out CPUID behind the forced-emulation prefix; all else is the guest's
 * to handle.
 */
void emulate_ud(struct vcpu *v, struct regs *regs);

/*
 * The running vCPU's instruction at rip has been carried out and is so long: go on behind it, with
 * the trap that single-stepping wants.
 */
void emulate_done(struct regs *regs, u32 length);

/*
 * Up to INSN_MAX bytes of the instruction at rip, which has just faulted in ring 3; fewer where the
 * next page is not there. Returns how many.
 */
size_t emulate_fetch(u8 bytes[INSN_MAX], u64 rip);

#endif
