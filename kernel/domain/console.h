/*
 * What guests write to the console, line by line, and what is typed for them.
 *
 * A domain's output is collected until a line is complete and then printed with the domain's name
 * before it. Control characters are escaped, so no domain can forge another's line or play with the
 * terminal. A line that stays open (a prompt) is shown after a short time. What is typed goes to
 * the domain that has the focus; Ctrl-] moves the focus on, through the domains and the
 * hypervisor's own keys.
 *
 * Locking: one lock for all lines and the focus (LOCK_LINES), below the lock of the console itself.
 */
#ifndef KOAN_DOMAIN_CONSOLE_H
#define KOAN_DOMAIN_CONSOLE_H

#include "lib/types.h"

struct domain;

/* Give a new domain its line; the first domain gets the focus. */
void console_attach(struct domain *d);

/* A new domain can be typed to: the focus is its own if it is the first. */
void console_offer_focus(struct domain *d);

/* Print what is left of its last line. */
void console_flush(struct domain *d);

/* The domain goes away: flush, and pass the focus on. */
void console_forget(struct domain *d);

/* Output of a domain. The text is the guest's: anything may be in it. */
void console_guest_write(struct domain *d, const char *text, size_t length);

/* Take up to `size` bytes of what was typed for the domain; returns how many. */
size_t console_guest_read(struct domain *d, u8 *to, size_t size);

/* About a hundred times a second, on one CPU: show lines that have stayed open. */
void console_tick(void);

/* A byte was typed. */
void console_input(u8 byte);

#endif
