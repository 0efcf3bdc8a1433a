/*
 * The local APIC of each CPU (SDM vol. 3, ch. 10): timer tick, interrupts between CPUs. By MSR
 * where the CPU has x2APIC, else by its registers in memory. The old controllers of a PC are masked for good; I/O APICs: io_apic.h.
 */
#ifndef KOAN_X86_APIC_H
#define KOAN_X86_APIC_H

#include "lib/types.h"

/* Housekeeping ticks a second of a CPU that runs guests: 100, or what `hz=` on the command line asks
 * for (1..10000), before any timer starts. */
extern u32 tick_hz;

#define APIC_NEVER (~0UL)

/* True if the registers in memory are needed, at this machine address. False: x2APIC. */
bool apic_wants_registers(u64 *address);

/* Once, on the boot CPU, interrupts off: mask the old controllers. `registers`: where they are
 * mapped; NULL with x2APIC. */
void apic_init(volatile void *registers);

/* Turn this CPU's APIC on, then its timer (the clock must run). */
void apic_setup_cpu(void);
void apic_start_timer(void);

/*
 * The timer of this CPU: an interrupt comes once, at a system time. _by: at `when` or earlier, so that
 * nothing needs to be done if one comes earlier anyway; a time that is over is work for the way
 * out, without an interrupt. _at: then and not before, or never with APIC_NEVER. It may come some ticks early; who waits looks at the clock.
 */
void apic_timer_by(u64 when);
void apic_timer_at(u64 when);

/* The timer's interrupt has come. The next comes after two ticks if nobody asks for an earlier one: a
 * hypervisor that never gets to asking is found by the watch over stuck CPUs. */
void apic_timer_expired(void);

/* This CPU's APIC id. */
u32 apic_id(void);

/* A fixed interrupt, or a non-maskable one, to one CPU (not this one). */
void apic_send(u32 cpu, u8 vector);
void apic_send_nmi(u32 cpu);

/* The interrupt being handled is done. */
void apic_end_of_interrupt(void);

/* Was the vector that is in service raised by a level-triggered line? */
bool apic_is_level(u8 vector);

/* INIT and start-up interrupts by APIC id, for smp.c. */
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u8 page);

#endif
