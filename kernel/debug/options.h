/*
 * What the command line asked of debug/. Set while it is read, constant afterwards.
 */
#ifndef KOAN_DEBUG_OPTIONS_H
#define KOAN_DEBUG_OPTIONS_H

#include "lib/types.h"

enum audit_mode {
    AUDIT_OFF = 0,
    AUDIT_END,  /* after each domain's end */
    AUDIT_TICK, /* at every tick, too */
};

extern enum audit_mode audit_mode;
extern char selftest_name[24]; /* "": none */

/* Take the memory for recounts now: later the domains may have it all. False (with a line) if there is none. */
bool audit_prepare(void);

#endif
