/*
 * Reading command lines: numbers, sizes, and lists of key=value options.
 *
 * A list is words parted by blanks, each `key` or `key=value`; a value with blanks stands in double quotes
 * (key="a b"). The word `--` ends the list: what follows it belongs to somebody else (a guest). Nothing is
 * copied or changed: keys and values are slices of the line itself, so they don't end in NUL.
 */
#ifndef KOAN_LIB_PARSE_H
#define KOAN_LIB_PARSE_H

#include "lib/types.h"

struct slice {
    const char *text;
    size_t length;
};

struct option {
    struct slice key;
    struct slice value; /* empty when has_value is false, and maybe else */
    bool has_value;
    const char *problem; /* NULL, or a few words on what is wrong with this option */
};

/*
 * Reads the option at *cursor and moves the cursor behind it. False at the end of the list; the cursor then
 * stands at the text that follows `--`, or at the line's NUL.
 */
bool option_next(const char **cursor, struct option *out);

bool option_is(const struct option *option, const char *key);
bool option_value_is(const struct option *option, const char *value);

bool slice_equals(struct slice slice, const char *text);
struct slice slice_of(const char *text);

/* Copies with a NUL behind; false (and a cut copy) when it doesn't fit. size > 0. */
bool slice_copy(struct slice slice, char *buf, size_t size);

/* Cuts *rest at the first `separator`: returns what stands before it, leaves what stands behind. */
struct slice slice_cut(struct slice *rest, char separator);

/*
 * The whole slice must be one number: decimal, or hexadecimal behind 0x. parse_size takes a suffix k, m or g
 * (any case; powers of 1024). False, and *out untouched, for anything else, overflow included.
 */
bool parse_number(struct slice text, u64 *out);
bool parse_size(struct slice text, u64 *out);

/* yes, on, true, 1 and no, off, false, 0. An option without a value means yes. */
bool parse_bool(const struct option *option, bool *out);

#endif
