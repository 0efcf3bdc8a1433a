/*
 * Reading command lines. See parse.h for the grammar.
 *
 * The lines come from a boot loader's configuration: any text may stand in them, and none of it is trusted.
 */
#include "lib/parse.h"
#include "lib/string.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_word(char c)
{
    return c == '\0' || is_blank(c);
}

static const char *skip_blanks(const char *s)
{
    while (is_blank(*s))
        s++;
    return s;
}

static struct slice slice_between(const char *first, const char *end)
{
    return (struct slice){ first, (size_t)(end - first) };
}

/* Reads a value at s, quoted or not, and returns the place behind it. */
static const char *read_value(const char *s, struct option *out)
{
    const char *first = s;

    out->has_value = true;
    if (*s != '"') {
        while (!ends_word(*s))
            s++;
        out->value = slice_between(first, s);
        return s;
    }
    first = ++s;
    while (*s && *s != '"')
        s++;
    out->value = slice_between(first, s);
    if (!*s) {
        out->problem = "quote is not closed";
        return s;
    }
    s++;
    if (!ends_word(*s))
        out->problem = "text follows the closing quote";
    while (!ends_word(*s))
        s++;
    return s;
}

bool option_next(const char **cursor, struct option *out)
{
    const char *s = skip_blanks(*cursor), *first = s;

    *out = (struct option){ .value = { "", 0 } };
    if (s[0] == '-' && s[1] == '-' && ends_word(s[2])) {
        *cursor = skip_blanks(s + 2);
        return false;
    }
    while (!ends_word(*s) && *s != '=')
        s++;
    out->key = slice_between(first, s);
    if (*s == '=') {
        s = read_value(s + 1, out);
        if (!out->key.length)
            out->problem = "no name before the =";
    }
    *cursor = s;
    return s != first;
}

struct slice slice_of(const char *text)
{
    return (struct slice){ text, strlen(text) };
}

bool slice_equals(struct slice slice, const char *text)
{
    return strlen(text) == slice.length && memcmp(slice.text, text, slice.length) == 0;
}

bool slice_copy(struct slice slice, char *buf, size_t size)
{
    size_t copied = min(slice.length, size - 1);

    memcpy(buf, slice.text, copied);
    buf[copied] = '\0';
    return copied == slice.length;
}

struct slice slice_cut(struct slice *rest, char separator)
{
    struct slice head = *rest;
    size_t i = 0;

    while (i < rest->length && rest->text[i] != separator)
        i++;
    head.length = i;
    if (i < rest->length)
        i++;
    rest->text += i;
    rest->length -= i;
    return head;
}

bool option_is(const struct option *option, const char *key)
{
    return slice_equals(option->key, key);
}

bool option_value_is(const struct option *option, const char *value)
{
    return option->has_value && slice_equals(option->value, value);
}

/* The value of a digit in any base up to 16, or 16 when it is none. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20; /* to lower case */
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

bool parse_number(struct slice text, u64 *out)
{
    u64 value = 0, base = 10;

    if (text.length > 2 && text.text[0] == '0' && (text.text[1] | 0x20) == 'x') {
        base = 16;
        text.text += 2;
        text.length -= 2;
    }
    if (!text.length)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        u64 digit = digit_value(text.text[i]);

        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

static unsigned suffix_shift(char c)
{
    switch (c | 0x20) {
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    default:
        return 0;
    }
}

bool parse_size(struct slice text, u64 *out)
{
    unsigned shift = text.length ? suffix_shift(text.text[text.length - 1]) : 0;
    u64 value;

    if (shift)
        text.length--;
    if (!parse_number(text, &value) || value > UINT64_MAX >> shift)
        return false;
    *out = value << shift;
    return true;
}

bool parse_bool(const struct option *option, bool *out)
{
    static const char *const yes[] = { "yes", "on", "true", "1" };
    static const char *const no[] = { "no", "off", "false", "0" };

    if (!option->has_value) {
        *out = true;
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        bool is_yes = slice_equals(option->value, yes[i]);

        if (is_yes || slice_equals(option->value, no[i])) {
            *out = is_yes;
            return true;
        }
    }
    return false;
}
