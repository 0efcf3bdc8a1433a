/*
 * The registers of an interrupted guest by the CPU's numbers, for the decoder (lib/insn.h).
 */
#ifndef KOAN_DOMAIN_GUEST_REGS_H
#define KOAN_DOMAIN_GUEST_REGS_H

#include "lib/insn.h"
#include "x86/regs.h"

/* All sixteen, in the order of their encoding. */
static inline void guest_regs_gather(const struct regs *r, u64 out[INSN_REGS])
{
    out[0] = r->rax;
    out[1] = r->rcx;
    out[2] = r->rdx;
    out[3] = r->rbx;
    out[4] = r->rsp;
    out[5] = r->rbp;
    out[6] = r->rsi;
    out[7] = r->rdi;
    out[8] = r->r8;
    out[9] = r->r9;
    out[10] = r->r10;
    out[11] = r->r11;
    out[12] = r->r12;
    out[13] = r->r13;
    out[14] = r->r14;
    out[15] = r->r15;
}

/* Where register `number` is kept. */
static inline u64 *guest_reg(struct regs *r, unsigned number)
{
    static const u8 offsets[INSN_REGS] = {
        offsetof(struct regs, rax), offsetof(struct regs, rcx), offsetof(struct regs, rdx),
        offsetof(struct regs, rbx), offsetof(struct regs, rsp), offsetof(struct regs, rbp),
        offsetof(struct regs, rsi), offsetof(struct regs, rdi), offsetof(struct regs, r8),
        offsetof(struct regs, r9),  offsetof(struct regs, r10), offsetof(struct regs, r11),
        offsetof(struct regs, r12), offsetof(struct regs, r13), offsetof(struct regs, r14),
        offsetof(struct regs, r15),
    };

    return (u64 *)((u8 *)r + offsets[number % INSN_REGS]);
}

#endif
