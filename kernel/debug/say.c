/*
 * Printing of reports: through printk while all is well, straight to the consoles when it is not.
 */
#include "debug/say.h"

#include <stdarg.h>

#include "lib/string.h"
#include "x86/console.h"

#define PREFIX "(koan) "

static u32 urgent; /* a: how many reports that can't wait for a lock are under way */

void say_urgent_begin(void)
{
    if (!__atomic_fetch_add(&urgent, 1, __ATOMIC_SEQ_CST))
        console_write_emergency("\n", 1); /* somebody may be in the middle of a line */
}

void say_urgent_end(void)
{
    __atomic_fetch_sub(&urgent, 1, __ATOMIC_SEQ_CST);
}

void say(const char *fmt, ...)
{
    char line[256] = PREFIX;
    va_list args;

    va_start(args, fmt);
    koan_vsnprintf(line + strlen(PREFIX), sizeof(line) - strlen(PREFIX), fmt, args);
    va_end(args);
    if (__atomic_load_n(&urgent, __ATOMIC_SEQ_CST))
        console_write_emergency(line, strlen(line));
    else
        printk("%s", line + strlen(PREFIX));
}
