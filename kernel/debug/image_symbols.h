/*
 * The function names of one guest's image, copied out of the boot module before it is given back.
 */
#ifndef KOAN_DEBUG_IMAGE_SYMBOLS_H
#define KOAN_DEBUG_IMAGE_SYMBOLS_H

#include "lib/types.h"

#define SYMBOL_NAME 40 /* longest name kept, with its NUL */

struct image_symbols;

/* The function that holds the address and the distance from its start, or NULL. `symbols` may be NULL. */
const char *image_symbols_find(const struct image_symbols *symbols, u64 address, u64 *offset);

#endif
