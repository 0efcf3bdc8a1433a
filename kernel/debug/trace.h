/*
 * Reading the trace rings, for debug/'s own reports; writing them is lib/trace.h's business.
 */
#ifndef KOAN_DEBUG_TRACE_H
#define KOAN_DEBUG_TRACE_H

#include "lib/parse.h"
#include "lib/trace.h"

/* Rings for the CPUs other than the boot CPU, which has one from the start. Once, after the allocator and all CPUs are up. */
void trace_init(void);

/* The value of `trace=`: kinds, parted by commas. False if one of them does not exist. */
bool trace_option(struct slice value);

/* The last `most` records of all CPUs, newest first. */
void trace_print(u32 most);

#endif
