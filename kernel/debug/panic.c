/*
 * The end: the hypervisor has found its own state to be wrong.
 *
 * Rules. The first CPU that panics reports; it stops the others by NMI and then owns the machine. Nothing here waits for a lock, allocates, or
 * trusts what it reads: consoles are written past their lock, stacks are read only where they are mapped. A second panic on the same CPU (a fault inside
 * the report) ends the machine at once. A screen shows only the last lines, so the most telling ones come last. The exit code of a panic outranks all others.
 */
#include "debug/panic.h"

#include <stdarg.h>

#include "debug/nmi.h"
#include "debug/report.h"
#include "debug/say.h"
#include "debug/symbols.h"
#include "debug/trace.h"
#include "lib/string.h"
#include "x86/asm.h"
#include "x86/power.h"

#define NOBODY        (~0U)
#define STACK_WORDS   16
#define TRACE_RECORDS 12

static u32 panic_owner = NOBODY; /* a: the CPU that reports */

bool panic_under_way(void)
{
    return __atomic_load_n(&panic_owner, __ATOMIC_ACQUIRE) != NOBODY;
}

/* Become the one that reports. Who comes second on the same CPU has faulted while reporting; on another one, it stops. */
static void take_over(const char *message)
{
    static bool nested; /* the owner's */
    u32 nobody = NOBODY;
    u32 self = this_cpu()->id;

    interrupts_off();
    if (__atomic_compare_exchange_n(&panic_owner, &nobody, self, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
        return;
    if (nobody == self) {
        if (!nested) { /* a console that faults would bring us here for ever */
            nested = true;
            say("PANIC inside the report of a panic: %s\n", message);
        }
        machine_end(END_CODE_PANIC);
    }
    for (;;)
        asm volatile("hlt"); /* the owner's NMI comes and keeps this CPU */
}

static void report_place(const struct regs *regs, u64 rip, u64 rbp)
{
    stack_print(regs ? regs->rsp : rbp, STACK_WORDS);
    nmi_report_stopped();
    report_where(this_cpu());
    if (regs) {
        report_regs(regs);
        backtrace_print(regs->rip, regs->rsp, regs->rbp);
    } else {
        backtrace_print(rip, 0, rbp);
    }
}

/* `regs`: of the code at fault; NULL: it is who called, from rip with its frame at rbp. */
NORETURN static void panic_v(const struct regs *regs, void (*more)(void), u64 rip, u64 rbp,
                             const char *fmt, va_list args)
{
    char message[200];

    koan_vsnprintf(message, sizeof(message), fmt, args);
    say_urgent_begin();
    take_over(message);
    nmi_stop_others();
    say("PANIC: %s\n", message);
    if (more)
        more();
    trace_print(TRACE_RECORDS);
    report_place(regs, rip, rbp);
    say("The hypervisor has stopped: %s\n", message);
    machine_end(END_CODE_PANIC);
}

/* The caller's frame: its own frame pointer, and where it called from. */
#define CALLER_RIP ((u64)__builtin_return_address(0))
#define CALLER_RBP (*(u64 *)__builtin_frame_address(0))

NOINLINE void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    panic_v(NULL, NULL, CALLER_RIP, CALLER_RBP, fmt, args);
}

NOINLINE void panic_at(const struct regs *regs, void (*more)(void), const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    panic_v(regs, more, CALLER_RIP, CALLER_RBP, fmt, args);
}

/* Not through panic(): the backtrace begins at the assertion. */
static NOINLINE NORETURN void assert_panic(u64 rip, u64 rbp, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    panic_v(NULL, NULL, rip, rbp, fmt, args);
}

NOINLINE void assert_failed(const char *file, int line, const char *expression)
{
    assert_panic(CALLER_RIP, CALLER_RBP, "%s:%d: assertion failed: %s", file, line, expression);
}
