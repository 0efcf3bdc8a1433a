/*
 * The hypervisor's console: one writer of whole lines to the serial port and the screen.
 *
 * Every line begins with the name of its speaker, `(koan) ` or `(NAME) `, and is written under one
 * lock, so lines of several CPUs never mix. printk() (lib/panic.h) is the hypervisor's own voice.
 */
#ifndef KOAN_X86_CONSOLE_H
#define KOAN_X86_CONSOLE_H

#include "lib/types.h"
#include "x86/serial.h"

struct console_config {
    struct serial_config serial;
    bool screen; /* VGA text or framebuffer, too */
};

void console_init(const struct console_config *config);

/* Write one line of a speaker: "(NAME) TEXT\n". The caller has escaped what is not printable. */
void console_line(const char *speaker, const char *text, size_t length);

/* A part of a speaker's line, without "\n" but at its end: the line stays open for the same
 * speaker (the same pointer), until it ends it or another one speaks. */
void console_text(const char *speaker, const char *text, size_t length);

/* Text as it stands, under the lock. */
void console_write(const char *text, size_t length);

/* The same past the lock, for panics: its holder may never run on. */
void console_write_emergency(const char *text, size_t length);

/* At each tick: go on drawing on the screen. And at the end: draw the rest. */
void console_show(void);
void console_show_all(void);

/*
 * What has been printed, as far as the ring still holds it: bytes from number *index on (counted from the first that was ever printed; the
 * oldest that is left if that is gone). Returns how many were copied; *index is then the number of the next.
 */
size_t console_ring_read(u32 *index, char *to, size_t size);
u32 console_ring_oldest(void);
void console_ring_clear(void);

/* The next character typed on the serial port, or -1. */
int console_getc(void);

#endif
