/*
 * How code of every layer refuses out loud: declarations only.
 *
 * panic and assert are for the hypervisor's own bugs; nothing that a guest, a boot module or a command
 * line says may ever reach one. The definitions come from debug/ in the hypervisor, from the guest runtime
 * in guests, and from tests/unit/stubs.c on the host.
 */
#ifndef KOAN_LIB_PANIC_H
#define KOAN_LIB_PANIC_H

#include "lib/types.h"

void printk(const char *fmt, ...) PRINTF_LIKE(1, 2);
NORETURN void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);
NORETURN void assert_failed(const char *file, int line, const char *expression);

/* An object that a handout holds says where it asserts, not what: the condition would be a line of the solution. */
#ifdef KOAN_NO_WORDS
#define ASSERT_WORDS(x) "what a later lab asserts"
#else
#define ASSERT_WORDS(x) #x
#endif

#undef assert /* the C library's, where a host test has included it */
#define assert(x)                                                                                  \
    do {                                                                                           \
        if (unlikely(!(x)))                                                                        \
            assert_failed(__FILE__, __LINE__, ASSERT_WORDS(x));                                    \
    } while (0)

/* assert the other way round, for the condition that must never hold. */
#define BUG_ON(x) assert(!(x))

#endif
