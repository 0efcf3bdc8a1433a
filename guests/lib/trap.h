/*
 * Exceptions of the guest kernel, and how to try something that may trap.
 *
 *     if (probe_write64(va, 1))             did it trap?
 *         print("vector %d", trap_last.vector);
 *     if (TRY("hlt"))                       one instruction
 *     if (TRY_IO("mov %0, cr3", "=r"(x), )) one instruction with operands
 *     probe_call(function, argument)        anything; a trap returns from it
 *
 * Each answers true if an exception came; trap_last has the particulars. An instruction that may trap stands in the exception
 * table with the address to go on at. A trap that nobody expects prints its registers and crashes the domain.
 */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include "vcpu.h"

/* Registers at an entry, in the order in which entry.asm pushes them; the last nine are a struct iret_context. */
struct trap_frame {
    u64 r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdx, rsi, rdi;
    u64 vector; /* 0..31, 0x80, or TRAP_* */
    u64 rax, r11, rcx;
    u64 error; /* error code, or 0 */
    u64 rip;
    u64 cs; /* low 16 bits selector; bits 32-39 upcall mask at the time */
    u64 rflags, rsp, ss;
};
static_assert(sizeof(struct trap_frame) == 22 * 8, "entry.asm pushes these");

#define TRAP_DE       0
#define TRAP_DB       1
#define TRAP_BP       3
#define TRAP_OF       4
#define TRAP_UD       6
#define TRAP_NM       7
#define TRAP_SS       12
#define TRAP_GP       13
#define TRAP_PF       14
#define TRAP_INT80    0x80
#define TRAP_EVENT    256
#define TRAP_SYSCALL  257
#define TRAP_FAILSAFE 258

/* Error code of a page fault. */
#define PF_PRESENT 0x1 /* the page was there, but not so */
#define PF_WRITE   0x2
#define PF_USER    0x4 /* guest user mode */
#define PF_RSVD    0x8
#define PF_INSN    0x10

/* The last exception that a probe ran into, on the vCPU that asks. */
#define trap_last (vcpu_own()->last)

void trap_init(void);

/* Entries in entry.asm: of vectors 0..31, and of 0x80 at [32]. */
extern const u64 trap_table_entries[33];
extern u8 event_entry[], failsafe_entry[], syscall_entry[];

/*
 * A handler of one's own for a vector, event or callback; NULL: none. It may change the frame, and answers whether the trap is
 * dealt with.
 */
typedef bool trap_handler(struct trap_frame *frame);
void trap_handle(unsigned int vector, trap_handler *handler);

static inline bool trap_frame_user(const struct trap_frame *frame)
{
    return (frame->cs & 3) == 3;
}

#define TRY_IO(instruction, outputs, ...)                                                          \
    ({                                                                                             \
        struct trap_info_last *try_last = &trap_last;                                              \
        try_last->vector = -1;                                                                     \
        __asm__ volatile("1: " instruction "\n2:\n"                                                \
                         ".pushsection .ex_table, \"a\"\n.quad 1b, 2b\n.popsection"                \
                         : outputs:__VA_ARGS__                                                     \
                         : "memory");                                                              \
        *(volatile int *)&try_last->vector != -1;                                                  \
    })
#define TRY(instruction) TRY_IO(instruction, )
#define COMMA            , /* between two outputs of TRY_IO */

bool probe_read64(u64 va, u64 *value); /* value may be NULL */
bool probe_write64(u64 va, u64 value);

/* Calls function(argument); the result is its, unless trap_last.vector is not -1 afterwards. Clear that before. */
u64 probe_call(void *function, u64 argument);

#endif
