/*
 * The end of a domain: teardown in small steps, after its last vCPU has left its CPU, until its memory is free.
 */
#ifndef KOAN_DOMAIN_REAP_H
#define KOAN_DOMAIN_REAP_H

#include "domain/domain.h"

/* Hand over a domain that has ended. It will be torn down by ticks and idle CPUs. */
void reap_add(struct domain *d);

/*
 * Start-up has made all its domains: from now on there is teardown. Not before: the end of a refused one, seen by another CPU, would be
 * the end of the last one there is, and the audit after it would wait for the boot CPU.
 */
void reap_begin(void);

/* Do some teardown: stops when work is pending. True if there was something to do. */
bool reap_some(void);

#endif
