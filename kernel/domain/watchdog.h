/*
 * SCHEDOP_watchdog: a domain asks to be ended unless it says in time that it still lives. (The watch over the hypervisor's own CPUs is
 * debug/watchdog.c.)
 */
#ifndef KOAN_DOMAIN_WATCHDOG_H
#define KOAN_DOMAIN_WATCHDOG_H

#include "domain/domain.h"

void watchdog_init(struct domain *d);

/* id 0: start one, and its id is the answer. Else set it anew, or stop it with time-out 0 (in seconds). -XEN_EINVAL, -XEN_ENOSPC. */
s64 watchdog_set(struct domain *d, u32 id, u32 timeout);

/* Teardown: none runs out any more. False: to be called again. */
bool watchdog_kill(struct domain *d);

#endif
