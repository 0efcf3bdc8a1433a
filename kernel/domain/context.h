/*
 * Switching a CPU from one vCPU to another: what the guest has in the CPU beside the general registers.
 */
#ifndef KOAN_DOMAIN_CONTEXT_H
#define KOAN_DOMAIN_CONTEXT_H

#include "domain/domain.h"

/* Save the state of the vCPU that runs here. Afterwards it may be loaded elsewhere, once current has changed. */
void context_save(struct vcpu *v, const struct regs *regs);

/* Load a vCPU: it is `current` afterwards and its registers stand at guest_regs(). */
void context_load(struct vcpu *v);

/* No vCPU runs here: load the hypervisor's own page tables, so that no guest's stay in use. */
void context_idle(void);

/* The hypervisor's own L4, as a machine address; set at start-up. */
extern u64 idle_cr3;

#endif
