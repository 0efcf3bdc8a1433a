/*
 * Formatted output into a buffer: koan_vsnprintf. See printf.h for what it understands.
 *
 * Every byte goes through put(), the one place that knows the buffer's end.
 */
#include "lib/printf.h"
#include "lib/string.h"

struct out {
    char *buf;
    size_t size;
    size_t length; /* of the whole text, whether it fitted or not */
};

/* One conversion as it stands after the '%'. */
struct spec {
    bool left, zero, alternate;
    size_t width;
    size_t precision; /* SIZE_MAX: none given */
    size_t bytes;     /* of the integer argument: 1, 2, 4 or 8 */
    char conversion;
};

static void put(struct out *out, char c)
{
    if (out->length < out->size)
        out->buf[out->length] = c;
    out->length++;
}

static void pad(struct out *out, char c, size_t used, size_t width)
{
    for (; used < width; used++)
        put(out, c);
}

/* Prefix ("-", "0x" or nothing) and text, filled up to the width on the side that the flags name. */
static void put_field(struct out *out, const struct spec *spec, const char *prefix,
                      const char *text, size_t length)
{
    size_t used = strlen(prefix) + length;

    if (!spec->left && !spec->zero)
        pad(out, ' ', used, spec->width);
    for (; *prefix; prefix++)
        put(out, *prefix);
    if (!spec->left && spec->zero)
        pad(out, '0', used, spec->width);
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    if (spec->left)
        pad(out, ' ', used, spec->width);
}

static void put_number(struct out *out, const struct spec *spec, const char *prefix, u64 value,
                       unsigned base)
{
    const char *digits = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[20]; /* 2^64 has 20 decimal digits */
    size_t first = sizeof(text);

    do {
        text[--first] = digits[value % base];
        value /= base;
    } while (value);
    put_field(out, spec, prefix, text + first, sizeof(text) - first);
}

static void put_string(struct out *out, struct spec *spec, const char *text)
{
    spec->zero = false;
    if (!text)
        text = "(null)";
    put_field(out, spec, "", text, strnlen(text, spec->precision));
}

static size_t read_digits(const char **fmt)
{
    size_t value = 0;

    for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
        value = value * 10 + (size_t)(**fmt - '0');
    return value;
}

/* The arguments are passed on inside a struct: a va_list itself can't be handed on by pointer portably. */
struct arguments {
    va_list list;
};

static void read_width(const char **fmt, struct spec *spec, struct arguments *args)
{
    if (**fmt != '*') {
        spec->width = read_digits(fmt);
        return;
    }
    int width = va_arg(args->list, int);
    (*fmt)++;
    spec->left |= width < 0;
    spec->width = width < 0 ? -(size_t)width : (size_t)width;
}

static void read_precision(const char **fmt, struct spec *spec, struct arguments *args)
{
    if (**fmt != '.')
        return;
    (*fmt)++;
    if (**fmt != '*') {
        spec->precision = read_digits(fmt);
        return;
    }
    int precision = va_arg(args->list, int);
    (*fmt)++;
    if (precision >= 0)
        spec->precision = (size_t)precision;
}

static void read_length(const char **fmt, struct spec *spec)
{
    for (;; (*fmt)++) {
        if (**fmt == 'l' || **fmt == 'z')
            spec->bytes = 8;
        else if (**fmt == 'h')
            spec->bytes /= 2;
        else
            return;
        if (!spec->bytes) /* "hhh": nonsense, but no shift by 64 below */
            spec->bytes = 1;
    }
}

static struct spec read_spec(const char **fmt, struct arguments *args)
{
    struct spec spec = { .precision = SIZE_MAX, .bytes = 4 };

    for (;; (*fmt)++) {
        if (**fmt == '-')
            spec.left = true;
        else if (**fmt == '0')
            spec.zero = true;
        else if (**fmt == '#')
            spec.alternate = true;
        else
            break;
    }
    read_width(fmt, &spec, args);
    read_precision(fmt, &spec, args);
    read_length(fmt, &spec);
    spec.conversion = **fmt;
    if (spec.conversion)
        (*fmt)++;
    return spec;
}

/* Fetches an integer argument and cuts it to the size that the length modifier names. */
static u64 fetch_unsigned(const struct spec *spec, struct arguments *args)
{
    u64 value = spec->bytes == 8 ? va_arg(args->list, u64) : va_arg(args->list, unsigned);

    return spec->bytes < 4 ? value & (BIT(spec->bytes * 8) - 1) : value;
}

static s64 fetch_signed(const struct spec *spec, struct arguments *args)
{
    s64 value = spec->bytes == 8 ? va_arg(args->list, s64) : va_arg(args->list, int);

    if (spec->bytes == 1)
        return (s8)value;
    return spec->bytes == 2 ? (s16)value : value;
}

static void put_signed(struct out *out, const struct spec *spec, s64 value)
{
    if (value < 0)
        put_number(out, spec, "-", -(u64)value, 10);
    else
        put_number(out, spec, "", (u64)value, 10);
}

static void put_hex(struct out *out, const struct spec *spec, u64 value)
{
    const char *prefix = spec->conversion == 'X' ? "0X" : "0x";

    put_number(out, spec, spec->alternate && value ? prefix : "", value, 16);
}

static void put_pointer(struct out *out, const void *pointer)
{
    struct spec spec = { .zero = true, .width = 18, .conversion = 'p' };

    put_number(out, &spec, "0x", (uintptr_t)pointer, 16);
}

static void convert(struct out *out, struct spec *spec, struct arguments *args)
{
    char c;

    switch (spec->conversion) {
    case 'd':
    case 'i':
        put_signed(out, spec, fetch_signed(spec, args));
        break;
    case 'u':
        put_number(out, spec, "", fetch_unsigned(spec, args), 10);
        break;
    case 'x':
    case 'X':
        put_hex(out, spec, fetch_unsigned(spec, args));
        break;
    case 'p':
        put_pointer(out, va_arg(args->list, const void *));
        break;
    case 's':
        put_string(out, spec, va_arg(args->list, const char *));
        break;
    case 'c':
        c = (char)va_arg(args->list, int);
        spec->zero = false;
        put_field(out, spec, "", &c, 1);
        break;
    case '\0': /* the format ends in the middle of a conversion */
        put(out, '%');
        break;
    case '%':
        put(out, '%');
        break;
    default:
        put(out, '%');
        put(out, spec->conversion);
    }
}

int koan_vsnprintf(char *buf, size_t size, const char *fmt, va_list list)
{
    struct out out = { .buf = buf, .size = size };
    struct arguments args;

    va_copy(args.list, list);
    while (*fmt) {
        if (*fmt != '%') {
            put(&out, *fmt++);
            continue;
        }
        fmt++;
        struct spec spec = read_spec(&fmt, &args);
        convert(&out, &spec, &args);
    }
    va_end(args.list);
    if (size)
        buf[min(out.length, size - 1)] = '\0';
    return (int)out.length;
}

int koan_snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int length = koan_vsnprintf(buf, size, fmt, args);
    va_end(args);
    return length;
}
