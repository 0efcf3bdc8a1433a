/*
 * Console output by console_io, the call that works from the first instruction on; and the command line.
 */
#include <stdarg.h>

#include "guest.h"

static void vprint(const char *format, va_list args)
{
    char text[512];
    size_t length = (size_t)koan_vsnprintf(text, sizeof(text), format, args);

    console_io(CONSOLEIO_write, min(length, sizeof(text) - 1), text);
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprint(format, args);
    va_end(args);
}

void guest_panic(const char *format, ...)
{
    va_list args;

    print("guest panic: ");
    va_start(args, format);
    vprint(format, args);
    va_end(args);
    print("\n");
    guest_shutdown(SHUTDOWN_crash);
}

/* The next word at or after *text, without the blanks before it; false at the end of the line. */
static bool next_word(const char **text, const char **word, size_t *length)
{
    const char *p = *text;

    while (*p == ' ')
        p++;
    *word = p;
    while (*p && *p != ' ')
        p++;
    *length = (size_t)(p - *word);
    *text = p;
    return *length > 0;
}

bool cmdline_has(const char *wanted)
{
    const char *text = (const char *)start_info->cmd_line, *word;
    size_t length, n = strlen(wanted);

    while (next_word(&text, &word, &length))
        if (length == n && memcmp(word, wanted, n) == 0)
            return true;
    return false;
}

bool cmdline_value(const char *key, char *value, size_t size)
{
    const char *text = (const char *)start_info->cmd_line, *word;
    size_t length, n = strlen(key);

    while (next_word(&text, &word, &length)) {
        if (length <= n || memcmp(word, key, n) != 0 || word[n] != '=')
            continue;
        strlcpy(value, word + n + 1, min(size, length - n));
        return true;
    }
    return false;
}
