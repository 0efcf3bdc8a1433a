/*
 * Why an image was refused: one struct that names the place, the value found there, what is wrong with it,
 * and what to do about it, so that one line tells the whole story:
 *
 *     Xen note LOADER = "lilo": only images for the generic loader can be started; ...
 *
 * Readers of images take a `struct problem *`, fill it when they refuse, and return false.
 */
#ifndef KOAN_LIB_PROBLEM_H
#define KOAN_LIB_PROBLEM_H

#include "lib/parse.h"
#include "lib/types.h"

struct problem {
    const char *place;   /* the header field, note or option: "ELF header, e_machine" */
    char value[40];      /* what stands there, as text; empty where there is nothing to show */
    const char *message; /* what is wrong with it */
    const char *remedy;  /* what the reader of the line can do */
};

/* Each fills *problem and returns false, for `return problem_value(...)`. The strings must be literals. */
bool problem_plain(struct problem *problem, const char *place, const char *message,
                   const char *remedy);
bool problem_value(struct problem *problem, const char *place, u64 value, const char *message,
                   const char *remedy);
/* The text comes from the image: anything but printable ASCII is shown as '?'. */
bool problem_text(struct problem *problem, const char *place, struct slice value,
                  const char *message, const char *remedy);

/* A number of bytes, shown in MiB and rounded up. */
bool problem_size(struct problem *problem, const char *place, u64 bytes, const char *message,
                  const char *remedy);

/* Writes the line (without a line feed); returns its length as koan_snprintf does. */
int problem_format(const struct problem *problem, char *buf, size_t size);

#endif
