/*
 * One row for each thing that the list (made by list.py) names: its name, and what one set of headers says about it.
 *
 * ours.c and theirs.c include this after their headers, so the same list becomes two tables; main.c compares them. A name that
 * Xen's headers don't know stops the compiler, with that name in its message.
 */
#include <stddef.h>
#include <stdint.h>

struct row {
    const char *name;
    uint64_t value;   /* number, or offset in bytes */
    uint64_t size;    /* bytes, or 0 */
    const char *text; /* string, or null */
};

extern const struct row ABI_TABLE[];
extern const size_t ABI_TABLE_ROWS;

#define NUM(name)  { #name, (uint64_t)(name), 0, NULL },
#define TEXT(name) { #name, 0, 0, name },
#define SIZE(type) { "sizeof " #type, 0, sizeof(type), NULL },
#define FIELD(type, member)                                                                        \
    { #type "." #member, offsetof(type, member), sizeof(((type *)0)->member), NULL },

const struct row ABI_TABLE[] = {
#include "list.def"
};
const size_t ABI_TABLE_ROWS = sizeof(ABI_TABLE) / sizeof(ABI_TABLE[0]);
