/*
 * A decoder for the x86-64 instructions that the hypervisor finishes on a guest's behalf, 64-bit mode only.
 *
 * Two kinds: stores to memory, which guests aim at their read-only page tables, and privileged instructions,
 * which fault in ring 3. Anything else is INSN_UNKNOWN: its fault goes to the guest. Pure: bytes in, a struct
 * out; execution of a store takes values and gives values, and the caller commits them once they are checked.
 *
 * Registers are numbered as the CPU encodes them: rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15.
 * Source: Intel SDM volume 2, chapter 2 (format), appendix A (opcode maps).
 */
#ifndef KOAN_LIB_INSN_H
#define KOAN_LIB_INSN_H

#include "lib/types.h"

enum { INSN_MAX = 15, INSN_REGS = 16 };
enum { INSN_RAX, INSN_RCX, INSN_RDX, INSN_RBX, INSN_RSP, INSN_RBP, INSN_RSI, INSN_RDI };

enum insn_op {
    INSN_NONE,

    /* Stores: the memory operand is changed, or replaced. */
    INSN_MOV,
    INSN_XCHG,
    INSN_XADD,
    INSN_CMPXCHG,
    INSN_ADD,
    INSN_OR,
    INSN_ADC,
    INSN_SBB,
    INSN_AND,
    INSN_SUB,
    INSN_XOR,
    INSN_NOT,
    INSN_NEG,
    INSN_INC,
    INSN_DEC,
    INSN_BTS,
    INSN_BTR,
    INSN_BTC,
    INSN_LAST_STORE = INSN_BTC,

    /* Flags, ports and the clock. */
    INSN_CLI,
    INSN_STI,
    INSN_HLT,
    INSN_IN,
    INSN_OUT,
    INSN_INS,
    INSN_OUTS,
    INSN_RDTSC,
    INSN_RDTSCP,
    INSN_RDPMC,

    /* System registers. */
    INSN_RDMSR,
    INSN_WRMSR,
    INSN_MOV_FROM_CR,
    INSN_MOV_TO_CR,
    INSN_MOV_FROM_DR,
    INSN_MOV_TO_DR,
    INSN_CLTS,
    INSN_LMSW,
    INSN_SMSW,
    INSN_XGETBV,
    INSN_XSETBV,
    INSN_CPUID,
    INSN_SWAPGS,
    INSN_CLAC,
    INSN_STAC,

    /* Caches and descriptor tables. */
    INSN_WBINVD,
    INSN_INVD,
    INSN_INVLPG,
    INSN_SGDT,
    INSN_SIDT,
    INSN_LGDT,
    INSN_LIDT,
    INSN_SLDT,
    INSN_STR,
    INSN_LLDT,
    INSN_LTR,

    /* Ways in and out of the kernel. */
    INSN_INT,
    INSN_INT3,
    INSN_IRET,
    INSN_SYSCALL,
    INSN_SYSRET,
    INSN_SYSENTER,
    INSN_SYSEXIT,
    INSN_MONITOR,
    INSN_MWAIT,
    INSN_UD2,
    INSN_OPS
};

enum insn_segment { INSN_SEG_PLAIN, INSN_SEG_FS, INSN_SEG_GS };

enum { INSN_NO_REG = -1 };

struct insn {
    enum insn_op op;
    u8 length;
    u8 operand_size; /* bytes of the operand: 1, 2, 4, 8; 10 for lgdt and its like; 0: none */
    bool lock, rep, repne, rex;

    /* The operand that ModRM's rm field names: memory, or the register rm. */
    bool memory;
    u8 rm;
    struct {
        s8 base, index; /* a register, or INSN_NO_REG */
        u8 scale;       /* 1, 2, 4, 8 */
        bool rip_relative;
        bool address32; /* the address is cut to 32 bits */
        enum insn_segment segment;
        s64 disp;
    } address;

    /* The other operand: a register or an immediate (sign-extended). */
    bool immediate;
    u8 reg;  /* of ModRM; the control or debug register, where the general one is rm */
    u64 imm; /* with `immediate`; also the vector of int and the port of in and out */
};

enum insn_status {
    INSN_OK,
    INSN_UNKNOWN,   /* not one of the above, or no instruction at all */
    INSN_TRUNCATED, /* more bytes are needed than were given (and fewer than 15 were) */
};

/* Decodes the instruction at the front of `count` bytes (at most 15 are looked at). */
enum insn_status insn_decode(struct insn *out, const u8 *bytes, size_t count);

/* "mov", "wrmsr", "mov_from_cr", ...: for messages and tests. */
const char *insn_name(enum insn_op op);

static inline bool insn_is_store(const struct insn *insn)
{
    return insn->memory && insn->op != INSN_NONE && insn->op <= INSN_LAST_STORE;
}

/* A register as an operand of that size; without a REX prefix bytes 4 to 7 are ah, ch, dh, bh. */
u64 insn_read_reg(const struct insn *insn, const u64 regs[INSN_REGS], unsigned reg, unsigned size);

/* The whole register after an operand of that size was written to it. */
u64 insn_merge_reg(const struct insn *insn, const u64 regs[INSN_REGS], unsigned reg, unsigned size,
                   u64 value);

/* Bases that a memory operand may count from. */
struct insn_bases {
    u64 next_rip; /* address of the instruction + its length */
    u64 fs, gs;
};

/*
 * The linear address of the memory operand: for bts and its like, of the operand-sized unit that holds the bit.
 */
u64 insn_address(const struct insn *insn, const u64 regs[INSN_REGS],
                 const struct insn_bases *bases);

/* What a store does. */
struct insn_result {
    u64 value;  /* for memory; operand_size bytes of it count */
    u64 rflags; /* whole, with the arithmetic flags changed as the instruction does */
    s8 reg;     /* the register written as well, or INSN_NO_REG */
    u64 reg_value;
};

/*
 * Executes a store: `old` is what stands in memory (operand_size bytes, zero-extended). False if the
 * instruction isn't one. Flags that the manual calls undefined keep their value, AF after logic is cleared.
 */
bool insn_execute_store(const struct insn *insn, u64 old, const u64 regs[INSN_REGS], u64 rflags,
                        struct insn_result *out);

#endif
