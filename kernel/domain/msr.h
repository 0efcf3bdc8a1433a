/*
 * Model-specific registers as a guest sees them. Access to any that is not listed in msr.c faults.
 */
#ifndef KOAN_DOMAIN_MSR_H
#define KOAN_DOMAIN_MSR_H

#include "domain/domain.h"

/* v is the running vCPU, in guest kernel mode. False: #GP. */
bool msr_guest_read(struct vcpu *v, u32 msr, u64 *value);

/* 0, -XEN_ERESTART (let the guest execute the instruction again), or another error: #GP. */
s64 msr_guest_write(struct vcpu *v, u32 msr, u64 value);

#endif
