/*
 * The registers of interrupted code, as entry.asm pushes them: the layout of the first part of the ABI's cpu_user_regs.
 *
 * At the outermost level (guest interrupted) the structure lies at the top of the CPU's stack: guest_regs() in x86/cpu.h.
 */
#ifndef KOAN_X86_REGS_H
#define KOAN_X86_REGS_H

#include "lib/types.h"

struct regs {
    u64 r15, r14, r13, r12, rbp, rbx;
    u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u32 error_code; /* 0 where the CPU pushes none */
    u32 vector;     /* trap or interrupt vector; VECTOR_SYSCALL after SYSCALL */
    u64 rip;
    u64 cs;
    u64 rflags;
    u64 rsp;
    u64 ss;
};
static_assert(sizeof(struct regs) == 21 * 8, "entry.asm pushes 21 words");

#define VECTOR_SYSCALL 0x100

#define RFLAGS_CF   BIT(0)
#define RFLAGS_PF   BIT(2)
#define RFLAGS_AF   BIT(4)
#define RFLAGS_ZF   BIT(6)
#define RFLAGS_SF   BIT(7)
#define RFLAGS_TF   BIT(8)
#define RFLAGS_IF   BIT(9)
#define RFLAGS_DF   BIT(10)
#define RFLAGS_OF   BIT(11)
#define RFLAGS_IOPL (3UL << 12)
#define RFLAGS_NT   BIT(14)
#define RFLAGS_RF   BIT(16)
#define RFLAGS_VM   BIT(17)
#define RFLAGS_AC   BIT(18)
#define RFLAGS_VIF  BIT(19)
#define RFLAGS_VIP  BIT(20)
#define RFLAGS_ID   BIT(21)

/* What a guest may set for itself; interrupts stay on for it, and bit 1 is always set. */
#define RFLAGS_GUEST                                                                               \
    (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_DF |           \
     RFLAGS_OF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC | RFLAGS_ID)
#define RFLAGS_ALWAYS (RFLAGS_IF | BIT(1))

enum trap_vector {
    TRAP_DE = 0,
    TRAP_DB = 1,
    TRAP_NMI = 2,
    TRAP_BP = 3,
    TRAP_OF = 4,
    TRAP_BR = 5,
    TRAP_UD = 6,
    TRAP_NM = 7,
    TRAP_DF = 8,
    TRAP_TS = 10,
    TRAP_NP = 11,
    TRAP_SS = 12,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_MF = 16,
    TRAP_AC = 17,
    TRAP_MC = 18,
    TRAP_XM = 19,
    /* Interrupts of our own, all raised by local APICs. */
    VECTOR_TIMER = 0xf0,
    VECTOR_WORK = 0xf1,  /* look at cpu->work: a kick from another CPU */
    VECTOR_FLUSH = 0xf2, /* TLB flush request */
    VECTOR_SPURIOUS = 0xff,
};

/* Page-fault error code, SDM vol. 3, 4.7. */
#define PF_PRESENT  BIT(0)
#define PF_WRITE    BIT(1)
#define PF_USER     BIT(2)
#define PF_RESERVED BIT(3)
#define PF_FETCH    BIT(4)

/* Did this frame interrupt ring 3? */
static inline bool regs_from_guest(const struct regs *regs)
{
    return (regs->cs & 3) == 3;
}

#endif
