/*
 * Why was it refused? refuse() returns its error and leaves file, line and value in the trace, so
 * that "why did I get -EINVAL?" has an answer.
 *
 *     return refuse(-XEN_EINVAL, mfn.n);
 *
 * trace_event() is a trace point for what is worth seeing on a timeline. While its kind is off it
 * is one instruction, a five-byte NOP; `trace=` on Koan's command line turns kinds on, and start-up
 * then writes jumps over those NOPs, before code becomes read-only. The places stand in section
 * .trace_sites. entry.asm has one, too.
 *
 * trace_refusal() and trace_record() are defined in debug/trace.c (rings for each CPU) and by the
 * unit tests' stubs.
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

/* What is recorded; a record also names the vCPU that ran, and the time. tools/trace.py reads this
 * list: a name, and in the comment what the two values are. */
enum trace_kind {
    TRACE_REFUSAL = 0, /* always on */
    TRACE_SWITCH,      /* the domain and vCPU that get the CPU; domain 0xffff: it goes idle */
    TRACE_TYPE,        /* machine frame, the type that it changes to (mm/frame.h) */
    TRACE_DOMAIN,      /* domain id, how it ended (enum domain_end); 0: it was created */
    TRACE_HYPERCALL,   /* its number, its first argument */
    TRACE_EXCEPTION,   /* its vector, the guest's rip */
    TRACE_EVENT,       /* the domain and the port that is raised */
    TRACE_WAKE,        /* the domain and the vCPU that becomes runnable */
    TRACE_KINDS
};

/* One place: where the NOP is, where to go on when its kind is on. koan.lds keeps the list. */
struct trace_site {
    u64 nop;
    u64 on;
    u64 kind;
};

void trace_record(enum trace_kind kind, u64 a, u64 b);

/* Nothing on the host; nor in the build that the bench compares with. */
#if defined(KOAN_HOST) || defined(KOAN_NO_TRACE)
#define trace_event(kind, a, b) ((void)(kind), (void)(a), (void)(b))
#else
/*
 * The NOP; and out of line, where the jump leads, a call of trace_thunk (x86/entry.asm) with kind, a and b on the stack. The thunk
 * keeps all registers, so the compiler needn't spill any for the sake of a trace point that is off.
 */
static ALWAYS_INLINE void trace_event(enum trace_kind kind, u64 a, u64 b)
{
    asm volatile("1: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
                 "2:\n\t"
                 ".pushsection .text.trace, \"ax\"\n"
                 "3:\tpush %2\n\t"
                 "push %1\n\t"
                 "push %0\n\t"
                 "call trace_thunk\n\t"
                 "lea 24(%%rsp), %%rsp\n\t"
                 "jmp 2b\n\t"
                 ".popsection\n\t"
                 ".pushsection .trace_sites, \"a\"\n\t.quad 1b, 3b, %c0\n\t.popsection"
                 :
                 : "i"(kind), "r"(a), "r"(b)
                 : "memory");
}
#endif

#endif
