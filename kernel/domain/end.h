/*
 * The end of the run: what follows when the last domain has ended (`end=halt|exit|reboot` on the command line).
 */
#ifndef KOAN_DOMAIN_END_H
#define KOAN_DOMAIN_END_H

#include "domain/domain.h"

/* Remember how a domain ended: the worst counts. */
void end_note(enum domain_end end);

/* `hz=` was given: somebody wants to know how long a tick's work had to wait. */
extern bool end_report_waits;

/* No domain is left: end the machine. */
NORETURN void end_machine(void);

#endif
