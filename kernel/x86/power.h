/*
 * The end of the machine: what `end=` on the command line asked for.
 */
#ifndef KOAN_X86_POWER_H
#define KOAN_X86_POWER_H

#include "lib/types.h"

enum end_mode {
    END_MODE_HALT,   /* stop all, leave the screen as it is */
    END_MODE_EXIT,   /* leave the emulator with a status */
    END_MODE_REBOOT, /* start again */
};

/* Codes for the emulator: QEMU's exit status is 2 * code + 1. */
#define END_CODE_CLEAN   0x10 /* 33: every domain shut down */
#define END_CODE_CRASHED 0x11 /* 35: a guest crashed */
#define END_CODE_REFUSED 0x12 /* 37: an image was refused */
#define END_CODE_PANIC   0x13 /* 39: the hypervisor failed */

extern enum end_mode end_mode; /* r */

NORETURN void machine_end(u32 code);

#endif
