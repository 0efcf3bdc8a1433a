/*
 * Why was it refused? refuse() returns its error and leaves file, line and value in the trace, so that "why did I get -EINVAL?" has an
 * answer.
 *
 *     return refuse(-XEN_EINVAL, mfn.n);
 *
 * trace_event() is a trace point: one test while its kind is off (`trace=` on Koan's command line turns kinds on).
 *
 * trace_refusal() and trace_record() are defined in debug/trace.c (a ring for each CPU) and by the unit tests' stubs.
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

enum trace_kind {
    TRACE_REFUSAL = 0, /* always on */
    TRACE_SWITCH,      /* the domain and vCPU that get the CPU */
    TRACE_TYPE,        /* machine frame, the type that it changes to (mm/frame.h) */
    TRACE_DOMAIN,      /* domain id, how it ended (enum domain_end); 0: it was created */
    TRACE_KINDS
};

#ifdef KOAN_HOST
#define trace_event(kind, a, b) ((void)(kind), (void)(a), (void)(b))
#else
extern u32 trace_kinds; /* bit per kind; set while the command line is read */
void trace_record(enum trace_kind kind, u64 a, u64 b);

static ALWAYS_INLINE void trace_event(enum trace_kind kind, u64 a, u64 b)
{
    if (unlikely(trace_kinds & BIT(kind)))
        trace_record(kind, a, b);
}
#endif

#endif
