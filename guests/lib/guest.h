/*
 * The runtime that all guests share: start, console, command line, end. A guest is a `main`; when it returns, the domain shuts
 * down for the reason that its command line gives (end=poweroff|reboot|crash, default poweroff).
 *
 * One vCPU, events masked until the guest opens them. The FPU is left alone: the code is compiled without it.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "hypercall.h"
#include "lib/printf.h"
#include "lib/string.h"

extern const struct start_info *start_info;
extern struct shared_info *shared_info; /* mapped by the start code */

/* Registers at the first instruction, before anything used them. */
struct entry_state {
    u64 zero[14]; /* rax rbx rcx rdx rdi rbp r8-r15: the ABI promises nothing in them but 0 */
    u64 rsi, rsp, rflags;
    u16 cs, ss, ds, es, fs, gs;
};
extern const struct entry_state entry_state;

int main(void);

/* Console. A line should go out in one call: other domains' lines come in between. */
void print(const char *format, ...) PRINTF_LIKE(1, 2);

/* Words of the command line. cmdline_value copies what stands after `key=` and says whether there was one. */
bool cmdline_has(const char *word);
bool cmdline_value(const char *key, char *value, size_t size);
/* The number after `key=`, decimal and hexadecimal, or `otherwise` where there is none. They end at the first other character. */
u64 cmdline_number(const char *key, u64 otherwise);
u64 cmdline_hex(const char *key, u64 otherwise);

/* End of the domain: for the reason that the command line gives, for one of SHUTDOWN_*, or with a message and a crash. */
void guest_end(void) NORETURN;
void guest_shutdown(u32 reason) NORETURN;
void guest_panic(const char *format, ...) PRINTF_LIKE(1, 2) NORETURN;

static inline bool guest_is_privileged(void)
{
    return start_info->flags & SIF_PRIVILEGED;
}

static inline void yield(void)
{
    sched_op(SCHEDOP_yield, NULL);
}

#endif
