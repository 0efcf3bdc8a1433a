/*
 * The screen as a console: VGA text, or text drawn into a linear framebuffer where the firmware set
 * one up (UEFI).
 */
#ifndef KOAN_X86_SCREEN_H
#define KOAN_X86_SCREEN_H

#include "lib/types.h"

/* What the loader said about the screen (Multiboot2 specification, 3.6.12). */
struct screen_config {
    enum { SCREEN_NONE, SCREEN_TEXT, SCREEN_PIXELS } kind;
    u64 address; /* machine address of the memory */
    u32 pitch;   /* bytes a row */
    u32 width;   /* pixels, or characters */
    u32 height;
    u32 bits; /* of a pixel: 16, 24 or 32 */
};

/* The screen's form. Nothing shows until screen_move() has said where it is. */
void screen_init(const struct screen_config *config);

/* The screen's memory is mapped there from now on. NULL: keep off. */
void screen_move(void *memory);

/* Until the first screen_show() the text is drawn at once. */
void screen_write(const char *text, size_t length);

/* From time to time: draw a part of what is new. All of it: before the machine stops. */
void screen_show(void);
void screen_show_all(void);

/* How many bytes the screen's memory has. */
u64 screen_size(const struct screen_config *config);

#endif
