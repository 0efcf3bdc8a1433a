/*
 * Formatted output into a buffer.
 *
 * Conversions: %d %i %u %x %X %p %s %c %%, with the length modifiers hh h l ll z, a width (or *), the
 * flags 0, - and #, and a precision for %s (also .*). %p prints 16 digits with 0x before them. An unknown
 * conversion is printed as it stands. No floating point: the hypervisor keeps off the FPU.
 */
#ifndef KOAN_LIB_PRINTF_H
#define KOAN_LIB_PRINTF_H

#include <stdarg.h>

#include "lib/types.h"

/*
 * Both write at most size bytes, always end them with NUL (unless size is 0) and return the length that
 * the whole text has: text was cut exactly when the result is size or more.
 */
int koan_vsnprintf(char *buf, size_t size, const char *fmt, va_list args);
int koan_snprintf(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
