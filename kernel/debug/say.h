/*
 * How reports are printed: like printk, but able to go past the console's lock.
 *
 * say() is printk's twin for code that prints both in ordinary times (a key was pressed) and in a panic or from an NMI, where the lock of
 * the console may be held by code that will never run on. Between say_urgent_begin() and say_urgent_end(), and for ever after a panic,
 * the text goes straight to the consoles, on whichever CPU. Each line gets the hypervisor's prefix.
 */
#ifndef KOAN_DEBUG_SAY_H
#define KOAN_DEBUG_SAY_H

#include "lib/panic.h"
#include "lib/printf.h"

void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
void say_urgent_begin(void);
void say_urgent_end(void);

#endif
