/*
 * Words and numbers of the command line: see guest.h.
 */
#include "guest.h"

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

/* Of a digit of bases up to 16, or 16. */
static u64 digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (u64)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (u64)(c - 'a') + 10 : 16;
}

static u64 number_after(const char *key, u64 base, u64 otherwise)
{
    char text[24]; /* 2^64 has 20 decimal digits */
    u64 value = 0;

    if (!cmdline_value(key, text, sizeof(text)))
        return otherwise;
    for (const char *p = text; digit_value(*p) < base; p++)
        value = value * base + digit_value(*p);
    return value;
}

u64 cmdline_number(const char *key, u64 otherwise)
{
    return number_after(key, 10, otherwise);
}

u64 cmdline_hex(const char *key, u64 otherwise)
{
    return number_after(key, 16, otherwise);
}
