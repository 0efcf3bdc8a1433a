/*
 * The handlers of all hypercalls, made from the one list. Arguments and results: Xen's public headers; hypercall.h says how a handler works.
 */
#ifndef KOAN_HYPERCALL_HANDLERS_H
#define KOAN_HYPERCALL_HANDLERS_H

#include "hypercall/hypercall.h"
#include "hypercall/table.h"

#define DECLARE_HANDLER(nr, name) hypercall_fn hc_##name;
#define DECLARE_NOTHING(nr, name)

HYPERCALLS(DECLARE_HANDLER, DECLARE_NOTHING)

extern hypercall_fn *const hypercall_table[HYPERCALL_SLOTS];

/* "mmu_update" and so on; "unknown" for a number without a handler. */
const char *hypercall_name(u64 nr);

#endif
