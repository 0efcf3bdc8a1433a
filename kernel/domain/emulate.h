/*
 * Emulation of privileged instructions that a guest's kernel executes in ring 3, where they fault.
 *
 * Which ones, and what they do, is Xen 4.17's choice (ports, CLI and STI, control and debug registers, MSRs, CPUID, RDTSC, WBINVD); all
 * others go back to the guest as the exception that they are.
 */
#ifndef KOAN_DOMAIN_EMULATE_H
#define KOAN_DOMAIN_EMULATE_H

#include "domain/domain.h"

/* #GP in guest mode. True: handled, the guest goes on at regs. False: give it the exception. */
bool emulate_gp(struct vcpu *v, struct regs *regs);

/* #UD in guest mode: CPUID behind the forced-emulation prefix. Likewise. */
bool emulate_ud(struct vcpu *v, struct regs *regs);

#endif
