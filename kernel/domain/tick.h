/* What a CPU does beside running guests: the work behind the bits of cpu->work. Called with no lock held, interrupts on. */
#ifndef KOAN_DOMAIN_TICK_H
#define KOAN_DOMAIN_TICK_H

/* The periodic work: console input (boot CPU), teardown of ended domains, the watch over stuck CPUs. */
void tick_work(void);

#endif
