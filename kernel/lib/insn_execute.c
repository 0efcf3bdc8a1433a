/*
 * Where a decoded instruction's memory operand lies, and what a store puts there. See insn.h.
 *
 * Arithmetic is done in 64 bits and cut to the operand's size. Carries are worked out bit by bit with logic
 * (a carry leaves a position where both inputs are set, or one is and the sum's bit isn't), so one formula
 * serves all sizes and gives CF, AF and OF alike.
 */
#include "lib/insn.h"

/* Intel SDM volume 1, 3.4.3. */
#define CF BIT(0)
#define PF BIT(2)
#define AF BIT(4)
#define ZF BIT(6)
#define SF BIT(7)
#define OF BIT(11)

static u64 mask_of(unsigned size)
{
    return size == 8 ? ~0UL : BIT(8 * size) - 1;
}

static u64 top_bit(unsigned size)
{
    return BIT(8 * size - 1);
}

/* ---- registers ---- */

/* ah, ch, dh, bh: the second byte of a register; a REX prefix, even an empty one, makes them spl to dil. */
static bool is_high_byte(const struct insn *insn, unsigned reg, unsigned size)
{
    return size == 1 && !insn->rex && reg >= 4 && reg < 8;
}

u64 insn_read_reg(const struct insn *insn, const u64 regs[INSN_REGS], unsigned reg, unsigned size)
{
    if (is_high_byte(insn, reg, size))
        return regs[reg - 4] >> 8 & 0xff;
    return regs[reg] & mask_of(size);
}

u64 insn_merge_reg(const struct insn *insn, const u64 regs[INSN_REGS], unsigned reg, unsigned size,
                   u64 value)
{
    if (is_high_byte(insn, reg, size))
        return (regs[reg - 4] & ~0xff00UL) | (value & 0xff) << 8;
    if (size >= 4) /* a 32-bit result clears the upper half */
        return value & mask_of(size);
    return (regs[reg] & ~mask_of(size)) | (value & mask_of(size));
}

/* ---- the address ---- */

static bool is_bit_op(enum insn_op op)
{
    return op == INSN_BTS || op == INSN_BTR || op == INSN_BTC;
}

/* A bit's number in a register is signed and may lie far outside of the unit that the address names. */
static s64 bit_displacement(const struct insn *insn, const u64 regs[INSN_REGS])
{
    unsigned unused = 64 - 8 * insn->operand_size;
    s64 bit = (s64)(regs[insn->reg] << unused) >> unused;
    s64 unit_bits = 8 * insn->operand_size;

    return (bit & ~(unit_bits - 1)) / 8;
}

u64 insn_address(const struct insn *insn, const u64 regs[INSN_REGS], const struct insn_bases *bases)
{
    u64 address = (u64)insn->address.disp;

    if (insn->address.rip_relative)
        address += bases->next_rip;
    if (insn->address.base != INSN_NO_REG)
        address += regs[insn->address.base];
    if (insn->address.index != INSN_NO_REG)
        address += regs[insn->address.index] * insn->address.scale;
    if (is_bit_op(insn->op) && !insn->immediate)
        address += (u64)bit_displacement(insn, regs);
    if (insn->address.address32)
        address = (u32)address;
    if (insn->address.segment == INSN_SEG_FS)
        address += bases->fs;
    else if (insn->address.segment == INSN_SEG_GS)
        address += bases->gs;
    return address;
}

/* ---- results and flags ---- */

/* ZF, SF and PF (even number of ones in the low byte), from a result cut to its size. */
static u64 flags_of(u64 value, unsigned size)
{
    u64 flags = 0;

    if (!value)
        flags |= ZF;
    if (value & top_bit(size))
        flags |= SF;
    if (!__builtin_parity((unsigned)(value & 0xff)))
        flags |= PF;
    return flags;
}

/* CF, AF and OF from the carries (or borrows) out of each bit position. */
static u64 flags_of_carries(u64 carries, unsigned size)
{
    u64 flags = 0, top = top_bit(size);

    if (carries & top)
        flags |= CF;
    if (carries & BIT(3))
        flags |= AF;
    if (((carries & top) != 0) != ((carries & top >> 1) != 0)) /* into and out of the sign differ */
        flags |= OF;
    return flags;
}

/* a + b + carry; returns the arithmetic flags. */
static u64 add(u64 a, u64 b, u64 carry, unsigned size, u64 *sum)
{
    *sum = (a + b + carry) & mask_of(size);
    u64 carries = (a & b) | ((a | b) & ~*sum);
    return flags_of(*sum, size) | flags_of_carries(carries, size);
}

/* a - b - borrow; returns the arithmetic flags. */
static u64 subtract(u64 a, u64 b, u64 borrow, unsigned size, u64 *difference)
{
    *difference = (a - b - borrow) & mask_of(size);
    u64 borrows = (~a & b) | ((~a | b) & *difference);
    return flags_of(*difference, size) | flags_of_carries(borrows, size);
}

/* ---- execution ---- */

struct operands {
    u64 old, source; /* both cut to the size */
    unsigned size;
    const u64 *regs;
};

static void replace_flags(struct insn_result *out, u64 which, u64 flags)
{
    out->rflags = (out->rflags & ~which) | (flags & which);
}

#define ARITHMETIC (CF | PF | AF | ZF | SF | OF)

static void execute_bit(const struct insn *insn, const struct operands *in, struct insn_result *out)
{
    u64 bit = BIT(in->source & (8 * in->size - 1));

    replace_flags(out, CF, in->old & bit ? CF : 0);
    if (insn->op == INSN_BTS)
        out->value = in->old | bit;
    else if (insn->op == INSN_BTR)
        out->value = in->old & ~bit;
    else
        out->value = in->old ^ bit;
}

static void write_reg(const struct insn *insn, const struct operands *in, unsigned reg, u64 value,
                      struct insn_result *out)
{
    out->reg = (s8)(is_high_byte(insn, reg, in->size) ? reg - 4 : reg);
    out->reg_value = insn_merge_reg(insn, in->regs, reg, in->size, value);
}

/* Memory is written in either case: with the source if rax was equal, else with what it held. */
static void execute_cmpxchg(const struct insn *insn, const struct operands *in,
                            struct insn_result *out)
{
    u64 accumulator = in->regs[INSN_RAX] & mask_of(in->size), difference;

    replace_flags(out, ARITHMETIC, subtract(accumulator, in->old, 0, in->size, &difference));
    out->value = difference ? in->old : in->source;
    if (difference)
        write_reg(insn, in, INSN_RAX, in->old, out);
}

static void execute_arithmetic(const struct insn *insn, const struct operands *in,
                               struct insn_result *out)
{
    u64 a = in->old, b = in->source, carry = out->rflags & CF, flags;
    u64 *value = &out->value, which = ARITHMETIC;

    switch (insn->op) {
    case INSN_ADD:
        flags = add(a, b, 0, in->size, value);
        break;
    case INSN_ADC:
        flags = add(a, b, carry, in->size, value);
        break;
    case INSN_SUB:
        flags = subtract(a, b, 0, in->size, value);
        break;
    case INSN_SBB:
        flags = subtract(a, b, carry, in->size, value);
        break;
    case INSN_NEG:
        flags = subtract(0, a, 0, in->size, value);
        break;
    case INSN_INC:
        flags = add(a, 1, 0, in->size, value);
        which &= ~CF;
        break;
    default: /* INSN_DEC */
        flags = subtract(a, 1, 0, in->size, value);
        which &= ~CF;
    }
    replace_flags(out, which, flags);
}

static void execute_logic(const struct insn *insn, const struct operands *in,
                          struct insn_result *out)
{
    if (insn->op == INSN_AND)
        out->value = in->old & in->source;
    else if (insn->op == INSN_OR)
        out->value = in->old | in->source;
    else
        out->value = in->old ^ in->source;
    replace_flags(out, ARITHMETIC, flags_of(out->value, in->size));
}

bool insn_execute_store(const struct insn *insn, u64 old, const u64 regs[INSN_REGS], u64 rflags,
                        struct insn_result *out)
{
    struct operands in = { .size = insn->operand_size, .regs = regs };

    if (!insn_is_store(insn)) /* also: from here on the size is 1, 2, 4 or 8 */
        return false;
    in.old = old & mask_of(in.size);
    in.source = insn->immediate ? insn->imm : insn_read_reg(insn, regs, insn->reg, in.size);
    in.source &= mask_of(in.size);
    *out = (struct insn_result){ .value = in.source, .rflags = rflags, .reg = INSN_NO_REG };
    switch (insn->op) {
    case INSN_MOV:
        break;
    case INSN_XCHG:
        write_reg(insn, &in, insn->reg, in.old, out);
        break;
    case INSN_XADD:
        replace_flags(out, ARITHMETIC, add(in.old, in.source, 0, in.size, &out->value));
        write_reg(insn, &in, insn->reg, in.old, out);
        break;
    case INSN_CMPXCHG:
        execute_cmpxchg(insn, &in, out);
        break;
    case INSN_NOT:
        out->value = ~in.old & mask_of(in.size);
        break;
    case INSN_AND:
    case INSN_OR:
    case INSN_XOR:
        execute_logic(insn, &in, out);
        break;
    case INSN_BTS:
    case INSN_BTR:
    case INSN_BTC:
        execute_bit(insn, &in, out);
        break;
    default:
        execute_arithmetic(insn, &in, out);
    }
    return true;
}
