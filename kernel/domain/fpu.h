/*
 * The FPU, switched lazily: a vCPU that doesn't use it costs nothing. See fpu.c.
 */
#ifndef KOAN_DOMAIN_FPU_H
#define KOAN_DOMAIN_FPU_H

#include "domain/domain.h"

/* The vCPU leaves this CPU: its FPU state, if it used the FPU, goes to memory. */
void fpu_switch_out(struct vcpu *v);

/* The vCPU comes to this CPU. */
void fpu_switch_in(struct vcpu *v);

/* The vCPU is torn down: it runs nowhere and never will. */
void fpu_forget(struct vcpu *v);

/* The guest's kernel sets or clears its CR0.TS. */
void fpu_taskswitch(struct vcpu *v, bool ts);

/*
 * #NM. True: the FPU is this vCPU's now. False: the guest's own TS was set (it is cleared); its
 * kernel gets the exception.
 */
bool fpu_trap(struct vcpu *v);

#endif
