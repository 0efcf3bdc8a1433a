/*
 * The builder: a privileged guest that makes the domains which its ramdisk lists, serves their consoles, and sees to their ends.
 *
 * It runs as the first domain on Koan and as dom0 on Xen alike. What it says of itself begins with "builder: "; a domain's line with
 * "(NAME) ", and control characters in it are escaped, so that no domain can forge another's line or the builder's. When the last domain
 * has ended it restarts the machine, for that is the end that works on both.
 */
#ifndef BUILDER_BUILDER_H
#define BUILDER_BUILDER_H

#include "archive.h"
#include "build.h"

struct xencons_interface;

#define LINE_MAX 200 /* with the name, what Koan takes as one line of ours */

struct ward {
    const struct archive_domain *source;
    struct built_domain built; /* domid 0: it was refused, or is gone */
    unsigned int slot;         /* its console ring's place among the kept pages */
    struct xencons_interface *ring;
    u32 port; /* ours, connected with its console port */

    u32 length, shown; /* bytes of the line that is not finished; and of it, on the screen */
    u32 age;           /* rounds since its last byte */
    char line[LINE_MAX];
};

extern struct ward wards[ARCHIVE_DOMAINS];
extern u64 nr_wards;

/* Connect with the console of a domain that is built, and later let go of it. False: refused. */
bool console_connect(struct ward *w);
void console_disconnect(struct ward *w);

/* Print what it has written; true if there was anything. */
bool console_serve(struct ward *w);

/* Show the part of a line that has stood open for some rounds: a prompt. */
void console_show_open(struct ward *w);

/* Its end: print what is left of its last line. */
void console_finish(struct ward *w);

/* Hand what was typed to the first domain that lives. */
void console_take_input(void);

/* Sleep until a ring or the hypervisor has news, or a hundredth of a second. */
void events_init(void);
void events_wait(void);

#endif
