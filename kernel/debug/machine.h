/*
 * What debug/ needs from the machine while nothing else may be trusted: defined in x86/ and boot/, free of locks, usable from any stack.
 */
#ifndef KOAN_DEBUG_MACHINE_H
#define KOAN_DEBUG_MACHINE_H

#include "lib/types.h"

/* To every console at once, past the console's lock. */
void console_write_emergency(const char *text, size_t length);

/* A non-maskable interrupt to one other CPU. */
void apic_send_nmi(u32 cpu);

/* End the machine as `end=` says, with the code of lib's END_CODE_* list. */
NORETURN void machine_end(u32 code);

#define END_CODE_PANIC 0x13

#endif
