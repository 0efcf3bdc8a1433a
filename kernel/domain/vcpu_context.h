/*
 * All that a vCPU starts with, as one structure (struct vcpu_guest_context): VCPUOP_initialise, and what a builder sets through domctl.
 */
#ifndef KOAN_DOMAIN_VCPU_CONTEXT_H
#define KOAN_DOMAIN_VCPU_CONTEXT_H

#include "abi/arch-x86_64.h"
#include "domain/domain.h"

/*
 * Give a vCPU that does not run its registers, page tables, descriptor tables and callbacks; all is checked as by the hypercalls that set them
 * one by one. 0: it is initialised, but not up (the caller looks at VGCF_online). -XEN_EINVAL; -XEN_ERESTART: to be called again with the same.
 * The caller sees to it that only one does so at a time and that the vCPU stays asleep. `result`: where a walk of its page tables leaves its
 * outcome (mm/walk.h).
 */
s64 vcpu_context_set(struct vcpu *v, const struct vcpu_guest_context *c,
                     struct walk_result *result);

/* The other way round, for a vCPU that has left its CPU. */
void vcpu_context_get(const struct vcpu *v, struct vcpu_guest_context *c);

#endif
