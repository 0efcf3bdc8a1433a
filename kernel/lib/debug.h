/*
 * The door to debug/: what the layers below it may call there, as lib/panic.h and lib/trace.h are the doors to panic and trace.
 *
 * None of these functions changes what a guest sees. Declarations only; each is defined in the file of debug/ that its line names.
 */
#ifndef KOAN_LIB_DEBUG_H
#define KOAN_LIB_DEBUG_H

#include "lib/types.h"

struct domain;
struct regs;
struct slice;
struct vcpu;
struct image_symbols;

/* Called once, when the allocator works and all CPUs are up: trace rings (trace.c). */
void debug_init(void);

/* One option of Koan's command line that belongs to debug/ (audit=, trace=, test=): true if it was one (options.c). */
bool debug_option(struct slice key, struct slice value);

/* Does what `test=` on the command line asks for; returns when it asks for nothing. Late in start-up (selftest.c). */
void debug_selftest(void);

/* A key typed on the console while the hypervisor has the focus (keys.c). */
void debug_key(u8 key);

/* A guest is being ended for what it did (the line that says so has been printed): registers, stack and code, with its own symbols. Only
 * for the vCPU that runs here, so that its memory can be read; `regs` are its registers (crash.c). */
void debug_guest_crash(struct vcpu *v, struct regs *regs);

/* The symbols of a guest's ELF image, for the report above. They are copied; NULL if it has none (image_symbols.c). */
struct image_symbols *image_symbols_keep(const void *image, size_t length);
void image_symbols_drop(struct image_symbols *symbols);

/* Recount the frame table and compare (audit.c). Returns the number of differences. audit_after_domain: what `audit=end` asks for, after
 * a domain has been torn down; audit_tick: what `audit=tick` asks for, from exit_work. No lock may be held. */
u32 audit_all(void);
void audit_after_domain(struct domain *d);
void audit_tick(void);

/* Wait while another CPU has stopped the world: from exit_work and the idle loop on WORK_CALL, and from whoever waits for another CPU, with no
 * lock held and interrupts on, and with each frame's counts right (world.c). */
void world_join(void);

/* The watch over stuck CPUs (watchdog.c). watchdog_alive: this CPU has come to the end of its work in the hypervisor or is idle; called
 * from exit_work on WORK_TICK and from the idle loop. watchdog_tick: from the timer interrupt, with the registers it interrupted. */
void watchdog_alive(void);
void watchdog_tick(const struct regs *regs);

#endif
