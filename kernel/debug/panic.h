/*
 * What the parts of a panic share. panic() itself is declared in lib/panic.h.
 */
#ifndef KOAN_DEBUG_PANIC_H
#define KOAN_DEBUG_PANIC_H

#include "x86/regs.h"

/* A panic with the registers of the code that is at fault, or NULL to report the caller's own place. `more`, unless NULL, prints what else there is
 * to say, behind the message. */
NORETURN void panic_at(const struct regs *regs, void (*more)(void), const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Is a panic under way? Then an NMI means: stop here for ever. */
bool panic_under_way(void);

#endif
