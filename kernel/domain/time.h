/*
 * Time as the guest sees it: vcpu_time_info, the wall clock, run-state times.
 *
 * System time is nanoseconds since the hypervisor started, the same on all CPUs: TSC scaled by clock_mul and clock_shift (x86/clock.h).
 */
#ifndef KOAN_DOMAIN_TIME_H
#define KOAN_DOMAIN_TIME_H

#include "abi/vcpu.h"
#include "domain/domain.h"

/* Refresh the vCPU's time info if the last refresh is older than half a second; old NetBSD waits for its version to change. */
void time_update(struct vcpu *v);

/* Write the second copy of it that the running vCPU has registered (v->time_va). */
void time_copy(struct vcpu *v);

/* Write the wall clock into a domain's shared info: at its creation, and when its offset changes. */
void time_set_wallclock(struct domain *d);

/* The vCPU's run state changes at `now`: account the time since the last change. Its queue is locked (sched.c). */
void runstate_change(struct vcpu *v, u32 state, u64 now);

/* The run-state times up to now, for the running vCPU or with the queue locked; sched_get_runstate() is for any. */
void runstate_get(struct vcpu *v, struct vcpu_runstate_info *info);

/* Write the registered run-state area of the vCPU whose page tables are loaded here; nothing happens if the guest has unmapped it. */
void runstate_publish(struct vcpu *v);

#endif
