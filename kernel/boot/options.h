/*
 * Koan's own command line: the words behind the file on the `multiboot2` line.
 *
 *   console=com1|com2|none[,vga]    where lines go; without the option: com1,vga. A panic goes to the screen in any case.
 *   com1=SPEED[,8n1[,PORT]]         the line of that port (com2= likewise), default 115200,8n1 at 0x3f8 (0x2f8)
 *   end=halt|exit|reboot            what follows when the last domain has ended
 *   hz=100                          housekeeping ticks a second of a busy CPU, 1 to 10000; given, the longest wait is printed at the end
 *   sched=credit                    who runs next: credit, bvt (borrowed virtual time) or rr (round robin)
 *
 * and the options of debug/ (debug/options.c). A word that is none of these gets a line on the
 * console, and the start goes on.
 */
#ifndef KOAN_BOOT_OPTIONS_H
#define KOAN_BOOT_OPTIONS_H

#include "x86/console.h"

struct boot_options {
    struct console_config console;
    const char *problem; /* NULL, or what is wrong with the first bad option */
    char problem_at[64]; /* that option's key */
};

/* Reads the line; end_mode (x86/power.h) and debug/'s settings are set on the way. Prints nothing:
 * the console isn't there yet. */
void options_read(const char *line, struct boot_options *out);

#endif
