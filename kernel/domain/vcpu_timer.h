/*
 * The timers of a vCPU: the one-shot timer (set_timer_op and vcpu_op 8), the periodic one (vcpu_op 6), the time-out of a poll.
 */
#ifndef KOAN_DOMAIN_VCPU_TIMER_H
#define KOAN_DOMAIN_VCPU_TIMER_H

#include "domain/domain.h"

#define PERIOD_MIN_NS 1000000UL   /* 1 ms, as Xen: a shorter one would keep the hypervisor busy */
#define PERIOD_MAX_NS (1UL << 62) /* about as Xen: no sum of times overflows */

void vcpu_timers_init(struct vcpu *v);

/* VIRQ_TIMER once at that system time; now, if it has passed. */
void vcpu_timer_set(struct vcpu *v, u64 when);
void vcpu_timer_stop(struct vcpu *v);

/* VIRQ_TIMER every `period` ns; 0: no more. */
void vcpu_timer_set_periodic(struct vcpu *v, u64 period);

/* Teardown: none runs out any more. False: to be called again. */
bool vcpu_timers_kill(struct vcpu *v);

#endif
