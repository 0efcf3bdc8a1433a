/*
 * Timers of the hypervisor: a function that is to be called at some system time.
 *
 * Each CPU has a heap of its own (lib/heap.h) and one one-shot timer in hardware (x86/apic.h). A timer runs out on the CPU that set it, in
 * exit_work or the idle loop, with no lock held and interrupts on; it may be set again there. Setting and stopping take the lock of
 * one heap, and any lock of a lower level than LOCK_TIMER may be held.
 *
 * Locking: (t) lock of the heap of t->cpu; (a) atomic; (r) set once.
 */
#ifndef KOAN_DOMAIN_TIMER_H
#define KOAN_DOMAIN_TIMER_H

#include "lib/heap.h"

struct timer {
    struct heap_node node;        /* t: its key is the system time */
    void (*fire)(struct timer *); /* r */
    u32 cpu;                      /* t: whose heap */
    u32 firing;                   /* a: calls of fire() under way */
    bool queued;                  /* t */
};

#define TIMER_NEVER (~0UL)

/* Once, before any CPU sets a timer. */
void timers_init(void);

void timer_init(struct timer *t, void (*fire)(struct timer *));

/* Call t->fire() at that system time, on this CPU; what it was set to before is forgotten. A time that has passed: as soon as possible. */
void timer_set(struct timer *t, u64 when);

/* It may be running out on another CPU just now. */
void timer_stop(struct timer *t);

/* Stop it for good; false: its function runs just now, to be called again. Nobody may set it meanwhile but that function. */
bool timer_kill(struct timer *t);

/* Call those whose time has come on this CPU, and see to the next interrupt: on WORK_TIMER. */
void timers_run(void);

/* Before this CPU halts: the next interrupt comes with the next timer, not before. */
void timers_idle(void);

#endif
