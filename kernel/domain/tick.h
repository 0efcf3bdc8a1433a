/* What a CPU does beside running guests: the work behind the bits of cpu->work. Called with no lock held, interrupts on. */
#ifndef KOAN_DOMAIN_TICK_H
#define KOAN_DOMAIN_TICK_H

#include "lib/types.h"

/* Take the work bits of this CPU. How long a timer interrupt's have waited is the longest stretch of hypervisor code without a chance to stop: kept in
 * cpu->longest_wait, printed at the end of the machine, measured in instructions where the TSC counts them (QEMU's -icount shift=0). */
u64 take_work(void);

/* From the idle loop, where each CPU begins: start the periodic work here if it hasn't begun: console input (boot CPU), teardown of ended domains, the watch over stuck CPUs, refreshed guest
 * time. `hz=` times a second while it runs a guest, seldom while it is idle. */
void tick_begin(void);

/* What devices have left to do: WORK_PIRQ, WORK_NMI. */
void tick_devices(u64 work);

#endif
