/*
 * Which vCPU runs where: a run queue for each CPU, served round robin. A vCPU stays on the CPU that it was placed on.
 *
 * A place-holder for the scheduling work (policies, block and wake, migration), with the interface that they will keep.
 */
#ifndef KOAN_DOMAIN_SCHED_H
#define KOAN_DOMAIN_SCHED_H

#include "domain/domain.h"

void sched_init(void);

/* Choose a CPU for a new vCPU: the one with the fewest. */
u32 sched_place(void);

/* Make a vCPU runnable; its CPU looks at once if it is idle. No lock of level LOCK_SCHED or higher may be held. */
void sched_wake(struct vcpu *v);

/* Take out for good a vCPU that does not run. False: it does, to be called again. */
bool sched_remove(struct vcpu *v);

/* Called on the way out to a guest: give the CPU to the next vCPU if there is one, or go idle. May not return (the stack is empty then). */
void schedule(struct regs *regs);

/* The loop of a CPU without a vCPU. Start-up ends here on every CPU. */
NORETURN void cpu_idle_loop(void);

#endif
