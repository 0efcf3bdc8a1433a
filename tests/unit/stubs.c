/*
 * Stand-ins on the host for what lib/panic.h declares: printk goes to a log that a test may look at, panic
 * fails the test (or is caught where the test waits for it).
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "lib/panic.h"
#include "lib/trace.h"

jmp_buf unit_panic_return;
int unit_panic_expected;
char unit_log[16384];

void unit_log_clear(void)
{
    unit_log[0] = '\0';
}

void printk(const char *fmt, ...)
{
    size_t used = strlen(unit_log);
    va_list args;

    va_start(args, fmt);
    vsnprintf(unit_log + used, sizeof(unit_log) - used, fmt, args);
    va_end(args);
}

NORETURN static void give_up(const char *message)
{
    if (unit_panic_expected)
        longjmp(unit_panic_return, 1);
    ck_abort_msg("%s\nlog:\n%s", message, unit_log);
    __builtin_unreachable();
}

void panic(const char *fmt, ...)
{
    char message[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    give_up(message);
}

void assert_failed(const char *file, int line, const char *expression)
{
    panic("%s:%d: assertion failed: %s", file, line, expression);
}

/* Refusals are answers that a test looks at; where they came from is of no interest here. */
void trace_refusal(const char *file, u32 line, s64 error, u64 value)
{
    (void)file, (void)line, (void)error, (void)value;
}
