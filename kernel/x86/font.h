/*
 * The letters of the framebuffer console: ASCII 32 to 126, 8 by 8 points.
 */
#ifndef KOAN_X86_FONT_H
#define KOAN_X86_FONT_H

#include "lib/types.h"

/* Row 0 (top) to 7 of a character, the leftmost point in bit 7. An unknown character is a box. */
u8 font_row(char c, u32 row);

#endif
