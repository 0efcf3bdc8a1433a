/*
 * Why was it refused? refuse() returns its error and leaves file, line and value in the trace, so that "why did I get -EINVAL?" has an answer.
 *
 *     return refuse(-XEN_EINVAL, mfn.n);
 *
 * trace_refusal() is defined in debug/trace.c (a ring for each CPU) and by the unit tests' stubs.
 */
#ifndef KOAN_LIB_TRACE_H
#define KOAN_LIB_TRACE_H

#include "lib/types.h"

void trace_refusal(const char *file, u32 line, s64 error, u64 value);

#define refuse(error, value)                                                                       \
    ({                                                                                             \
        s64 refuse_error = (error);                                                                \
        trace_refusal(__FILE__, __LINE__, refuse_error, (u64)(value));                             \
        refuse_error;                                                                              \
    })

#endif
