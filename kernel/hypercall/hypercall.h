/*
 * What every hypercall handler uses.
 *
 * A handler gets the guest's arguments (rdi, rsi, rdx, r10, r8, r9) as C arguments and returns the result for rax: 0 or a positive value, or a
 * negative XEN_E*. It copies its arguments in once, checks, then commits. A long one calls work_pending() between entries and, when true, returns
 * hypercall_restart(...): the guest's instruction pointer is set back to its SYSCALL and the call runs again with the new arguments after the
 * interrupt's work is done. The same works inside a multicall, where the entry's arguments are rewritten instead.
 */
#ifndef KOAN_HYPERCALL_HYPERCALL_H
#define KOAN_HYPERCALL_HYPERCALL_H

#include "abi/errno.h"
#include "domain/domain.h"
#include "lib/trace.h"
#include "lib/types.h"
#include "x86/usercopy.h"

typedef s64 hypercall_fn(u64, u64, u64, u64, u64, u64);

/* Run hypercall `nr` again, with these arguments. Return its value from the handler. */
s64 hypercall_restart(u32 nr, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6);

/* Likewise with the arguments that it came with, the first two of which are these; for a call that has no more. */
s64 hypercall_again(u32 nr, u64 a1, u64 a2);

#endif
