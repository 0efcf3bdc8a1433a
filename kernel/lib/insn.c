/*
 * Decoding an x86-64 instruction. See insn.h for what is known.
 *
 * The bytes are read by one cursor that knows where they end; a read beyond gives zero and leaves a mark, which is
 * looked at once at the end. The opcode maps are tables: an entry names the operation and how the bytes go on.
 */
#include "lib/insn.h"

const char *insn_name(enum insn_op op)
{
    static const char *const names[INSN_OPS] = {
        [INSN_NONE] = "none",
        [INSN_MOV] = "mov",
        [INSN_XCHG] = "xchg",
        [INSN_XADD] = "xadd",
        [INSN_CMPXCHG] = "cmpxchg",
        [INSN_ADD] = "add",
        [INSN_OR] = "or",
        [INSN_ADC] = "adc",
        [INSN_SBB] = "sbb",
        [INSN_AND] = "and",
        [INSN_SUB] = "sub",
        [INSN_XOR] = "xor",
        [INSN_NOT] = "not",
        [INSN_NEG] = "neg",
        [INSN_INC] = "inc",
        [INSN_DEC] = "dec",
        [INSN_BTS] = "bts",
        [INSN_BTR] = "btr",
        [INSN_BTC] = "btc",
        [INSN_CLI] = "cli",
        [INSN_STI] = "sti",
        [INSN_HLT] = "hlt",
        [INSN_IN] = "in",
        [INSN_OUT] = "out",
        [INSN_INS] = "ins",
        [INSN_OUTS] = "outs",
        [INSN_RDTSC] = "rdtsc",
        [INSN_RDTSCP] = "rdtscp",
        [INSN_RDPMC] = "rdpmc",
        [INSN_RDMSR] = "rdmsr",
        [INSN_WRMSR] = "wrmsr",
        [INSN_MOV_FROM_CR] = "mov_from_cr",
        [INSN_MOV_TO_CR] = "mov_to_cr",
        [INSN_MOV_FROM_DR] = "mov_from_dr",
        [INSN_MOV_TO_DR] = "mov_to_dr",
        [INSN_CLTS] = "clts",
        [INSN_LMSW] = "lmsw",
        [INSN_SMSW] = "smsw",
        [INSN_XGETBV] = "xgetbv",
        [INSN_XSETBV] = "xsetbv",
        [INSN_CPUID] = "cpuid",
        [INSN_SWAPGS] = "swapgs",
        [INSN_CLAC] = "clac",
        [INSN_STAC] = "stac",
        [INSN_WBINVD] = "wbinvd",
        [INSN_INVD] = "invd",
        [INSN_INVLPG] = "invlpg",
        [INSN_SGDT] = "sgdt",
        [INSN_SIDT] = "sidt",
        [INSN_LGDT] = "lgdt",
        [INSN_LIDT] = "lidt",
        [INSN_SLDT] = "sldt",
        [INSN_STR] = "str",
        [INSN_LLDT] = "lldt",
        [INSN_LTR] = "ltr",
        [INSN_INT] = "int",
        [INSN_INT3] = "int3",
        [INSN_IRET] = "iret",
        [INSN_SYSCALL] = "syscall",
        [INSN_SYSRET] = "sysret",
        [INSN_SYSENTER] = "sysenter",
        [INSN_SYSEXIT] = "sysexit",
        [INSN_MONITOR] = "monitor",
        [INSN_MWAIT] = "mwait",
        [INSN_UD2] = "ud2",
    };

    return op < INSN_OPS ? names[op] : "?";
}

/* ---- the opcode maps ---- */

/* How the bytes behind an opcode go on, and what size its operand has. */
enum {
    MODRM = 1 << 0,
    BYTE = 1 << 1,     /* the operand is a byte */
    IMM8 = 1 << 2,     /* an immediate of 1 byte, sign-extended */
    IMMZ = 1 << 3,     /* an immediate of the operand's size, 4 bytes at most, sign-extended */
    OFFSET = 1 << 4,   /* the operand is memory at an address given in full; the register is rax */
    PORT = 1 << 5,     /* in, out and their like: the operand is 4 bytes at most */
    QWORD = 1 << 6,    /* 8 bytes, whatever the prefixes say */
    REGISTER = 1 << 7, /* the ModRM byte names registers only */
    NO_OPERAND = 1 << 8,
};

struct entry {
    enum insn_op op; /* INSN_NONE with a group: the group says */
    u16 form;
    const enum insn_op *group; /* by ModRM's reg field */
};

static const enum insn_op group_arithmetic[8] = { INSN_ADD, INSN_OR,  INSN_ADC, INSN_SBB,
                                                  INSN_AND, INSN_SUB, INSN_XOR };
static const enum insn_op group_mov[8] = { INSN_MOV };
static const enum insn_op group_unary[8] = { [2] = INSN_NOT, [3] = INSN_NEG };
static const enum insn_op group_inc_dec[8] = { INSN_INC, INSN_DEC };
static const enum insn_op group_bits[8] = { [5] = INSN_BTS, [6] = INSN_BTR, [7] = INSN_BTC };
static const enum insn_op group_selectors[8] = { INSN_SLDT, INSN_STR, INSN_LLDT, INSN_LTR };
static const enum insn_op group_tables[8] = { INSN_SGDT, INSN_SIDT, INSN_LGDT, INSN_LIDT,
                                              INSN_SMSW, INSN_NONE, INSN_LMSW, INSN_INVLPG };

/* mov, add and others come in pairs: opcode n for bytes, n + 1 for larger operands. */
#define PAIR(n, op, form) [n] = { op, (form) | BYTE, NULL }, [(n) + 1] = { op, form, NULL }
#define GROUP_PAIR(n, group, byte_form, form)                                                      \
    [n] = { INSN_NONE, MODRM | BYTE | (byte_form), group },                                        \
    [(n) + 1] = { INSN_NONE, MODRM | (form), group }
#define BARE(n, op) [n] = { op, NO_OPERAND, NULL }

static const struct entry one_byte[256] = {
    PAIR(0x00, INSN_ADD, MODRM),
    PAIR(0x08, INSN_OR, MODRM),
    PAIR(0x10, INSN_ADC, MODRM),
    PAIR(0x18, INSN_SBB, MODRM),
    PAIR(0x20, INSN_AND, MODRM),
    PAIR(0x28, INSN_SUB, MODRM),
    PAIR(0x30, INSN_XOR, MODRM),
    PAIR(0x6c, INSN_INS, PORT),
    PAIR(0x6e, INSN_OUTS, PORT),
    GROUP_PAIR(0x80, group_arithmetic, IMM8, IMMZ),
    [0x83] = { INSN_NONE, MODRM | IMM8, group_arithmetic },
    PAIR(0x86, INSN_XCHG, MODRM),
    PAIR(0x88, INSN_MOV, MODRM),
    PAIR(0xa2, INSN_MOV, OFFSET),
    GROUP_PAIR(0xc6, group_mov, IMM8, IMMZ),
    BARE(0xcc, INSN_INT3),
    [0xcd] = { INSN_INT, NO_OPERAND | IMM8, NULL },
    [0xcf] = { INSN_IRET, 0, NULL },
    PAIR(0xe4, INSN_IN, PORT | IMM8),
    PAIR(0xe6, INSN_OUT, PORT | IMM8),
    PAIR(0xec, INSN_IN, PORT),
    PAIR(0xee, INSN_OUT, PORT),
    BARE(0xf4, INSN_HLT),
    GROUP_PAIR(0xf6, group_unary, 0, 0),
    BARE(0xfa, INSN_CLI),
    BARE(0xfb, INSN_STI),
    GROUP_PAIR(0xfe, group_inc_dec, 0, 0),
};

/* Behind the byte 0f. */
static const struct entry two_byte[256] = {
    [0x00] = { INSN_NONE, MODRM, group_selectors },
    [0x01] = { INSN_NONE, MODRM, group_tables },
    BARE(0x05, INSN_SYSCALL),
    BARE(0x06, INSN_CLTS),
    [0x07] = { INSN_SYSRET, 0, NULL },
    BARE(0x08, INSN_INVD),
    BARE(0x09, INSN_WBINVD),
    BARE(0x0b, INSN_UD2),
    [0x20] = { INSN_MOV_FROM_CR, MODRM | REGISTER | QWORD, NULL },
    [0x21] = { INSN_MOV_FROM_DR, MODRM | REGISTER | QWORD, NULL },
    [0x22] = { INSN_MOV_TO_CR, MODRM | REGISTER | QWORD, NULL },
    [0x23] = { INSN_MOV_TO_DR, MODRM | REGISTER | QWORD, NULL },
    BARE(0x30, INSN_WRMSR),
    BARE(0x31, INSN_RDTSC),
    BARE(0x32, INSN_RDMSR),
    BARE(0x33, INSN_RDPMC),
    BARE(0x34, INSN_SYSENTER),
    [0x35] = { INSN_SYSEXIT, 0, NULL },
    BARE(0xa2, INSN_CPUID),
    [0xab] = { INSN_BTS, MODRM, NULL },
    PAIR(0xb0, INSN_CMPXCHG, MODRM),
    [0xb3] = { INSN_BTR, MODRM, NULL },
    [0xba] = { INSN_NONE, MODRM | IMM8, group_bits },
    [0xbb] = { INSN_BTC, MODRM, NULL },
    PAIR(0xc0, INSN_XADD, MODRM),
    [0xc3] = { INSN_MOV, MODRM, NULL }, /* movnti: to memory, 4 or 8 bytes */
};

/* 0f 01 with a register in rm: each ModRM byte is an instruction of its own. */
static enum insn_op system_op(u8 modrm)
{
    switch (modrm) {
    case 0xc8:
        return INSN_MONITOR;
    case 0xc9:
        return INSN_MWAIT;
    case 0xca:
        return INSN_CLAC;
    case 0xcb:
        return INSN_STAC;
    case 0xd0:
        return INSN_XGETBV;
    case 0xd1:
        return INSN_XSETBV;
    case 0xf8:
        return INSN_SWAPGS;
    case 0xf9:
        return INSN_RDTSCP;
    default: /* smsw and lmsw take registers, the others of the group only memory */
        return (modrm >> 3 & 5) == 4 ? group_tables[modrm >> 3 & 7] : INSN_NONE;
    }
}

/* ---- reading ---- */

struct cursor {
    const u8 *bytes;
    size_t at, end;
    bool overrun;
};

static u8 next_byte(struct cursor *cursor)
{
    if (cursor->at == cursor->end) {
        cursor->overrun = true;
        return 0;
    }
    return cursor->bytes[cursor->at++];
}

/* A little-endian number of that many bytes, sign-extended. */
static s64 next_signed(struct cursor *cursor, unsigned bytes)
{
    u64 value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (u64)next_byte(cursor) << (8 * i);
    return (s64)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes);
}

struct prefixes {
    bool operand16;
    u8 rex; /* 0, or the byte 40 to 4f */
};

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

/* One prefix noted; false if the byte is none. Segments other than fs and gs mean nothing in 64-bit mode. */
static bool take_prefix(struct insn *out, struct prefixes *prefixes, u8 byte)
{
    switch (byte) {
    case 0x66:
        prefixes->operand16 = true;
        return true;
    case 0x67:
        out->address.address32 = true;
        return true;
    case 0xf0:
        out->lock = true;
        return true;
    case 0xf2: /* of the two, the last counts */
    case 0xf3:
        out->repne = byte == 0xf2;
        out->rep = byte == 0xf3;
        return true;
    case 0x64:
        out->address.segment = INSN_SEG_FS;
        return true;
    case 0x65:
        out->address.segment = INSN_SEG_GS;
        return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
        return true;
    default:
        return false;
    }
}

/* Reads all prefixes and returns the opcode's first byte. A REX only counts directly before that one. */
static u8 read_prefixes(struct insn *out, struct prefixes *prefixes, struct cursor *cursor)
{
    for (;;) {
        u8 byte = next_byte(cursor);

        if ((byte & 0xf0) == 0x40)
            prefixes->rex = byte;
        else if (take_prefix(out, prefixes, byte))
            prefixes->rex = 0;
        else
            return byte;
    }
}

/* The SIB byte: a base and a scaled index; SDM volume 2, table 2-3. */
static void read_sib(struct insn *out, u8 mod, u8 rex, struct cursor *cursor)
{
    u8 sib = next_byte(cursor);
    u8 index = (sib >> 3 & 7) | (rex & REX_X ? 8 : 0);
    u8 base = (sib & 7) | (rex & REX_B ? 8 : 0);

    out->address.scale = (u8)(1 << (sib >> 6));
    if (index != INSN_RSP) /* this number means: no index; r12, with REX.X, is one */
        out->address.index = (s8)index;
    if (mod == 0 && (base & 7) == INSN_RBP)
        out->address.disp = next_signed(cursor, 4); /* no base */
    else
        out->address.base = (s8)base;
}

/* The address that ModRM (and what follows it) describes; SDM volume 2, table 2-2. */
static void read_address(struct insn *out, u8 modrm, u8 rex, struct cursor *cursor)
{
    u8 mod = modrm >> 6, rm = modrm & 7;

    out->memory = true;
    if (rm == INSN_RSP) {
        read_sib(out, mod, rex, cursor);
    } else if (mod == 0 && rm == INSN_RBP) {
        out->address.rip_relative = true;
        out->address.disp = next_signed(cursor, 4);
    } else {
        out->address.base = (s8)(rm | (rex & REX_B ? 8 : 0));
    }
    if (mod == 1)
        out->address.disp = next_signed(cursor, 1);
    else if (mod == 2)
        out->address.disp = next_signed(cursor, 4);
}

static void read_modrm(struct insn *out, const struct entry *entry, u8 rex, struct cursor *cursor)
{
    u8 modrm = next_byte(cursor);

    out->reg = (modrm >> 3 & 7) | (rex & REX_R ? 8 : 0);
    out->rm = (modrm & 7) | (rex & REX_B ? 8 : 0);
    if (entry->group == group_tables && modrm >= 0xc0)
        out->op = system_op(modrm);
    else if (entry->group)
        out->op = entry->group[modrm >> 3 & 7];
    if (modrm < 0xc0 && !(entry->form & REGISTER))
        read_address(out, modrm, rex, cursor);
}

/* ---- sizes, checks ---- */

static u8 operand_size(const struct entry *entry, const struct prefixes *prefixes)
{
    if (entry->form & NO_OPERAND)
        return 0;
    if (entry->form & BYTE)
        return 1;
    if (entry->form & QWORD)
        return 8;
    if (prefixes->rex & REX_W)
        return entry->form & PORT ? 4 : 8;
    return prefixes->operand16 ? 2 : 4;
}

/* The instructions of the two system groups have sizes of their own. */
static u8 system_size(enum insn_op op, u8 size)
{
    switch (op) {
    case INSN_SGDT:
    case INSN_SIDT:
    case INSN_LGDT:
    case INSN_LIDT:
        return 10; /* limit and base */
    case INSN_LLDT:
    case INSN_LTR:
    case INSN_LMSW:
        return 2;
    case INSN_SLDT:
    case INSN_STR:
    case INSN_SMSW:
        return size; /* in a register; in memory 2, see insn_decode */
    default:
        return 0;
    }
}

static bool lock_allowed(const struct insn *insn)
{
    return insn_is_store(insn) && insn->op != INSN_MOV;
}

static const struct entry *read_opcode(struct insn *out, struct prefixes *prefixes,
                                       struct cursor *cursor)
{
    u8 byte = read_prefixes(out, prefixes, cursor);

    if (byte != 0x0f)
        return &one_byte[byte];
    return &two_byte[next_byte(cursor)];
}

/* Reads what stands behind the opcode. */
static void read_operands(struct insn *out, const struct entry *entry, u8 rex,
                          struct cursor *cursor)
{
    if (entry->form & MODRM)
        read_modrm(out, entry, rex, cursor);
    if (entry->form & OFFSET) {
        unsigned bytes = out->address.address32 ? 4 : 8;
        u64 offset = (u64)next_signed(cursor, bytes);

        out->memory = true;
        out->reg = INSN_RAX;
        out->address.disp = (s64)(bytes == 4 ? (u32)offset : offset);
    }
    if (entry->form & (IMM8 | IMMZ)) {
        unsigned bytes = entry->form & IMM8 ? 1 : min(out->operand_size, (u8)4);

        out->immediate = true;
        out->imm = (u64)next_signed(cursor, bytes);
    }
}

enum insn_status insn_decode(struct insn *out, const u8 *bytes, size_t count)
{
    struct cursor cursor = { .bytes = bytes, .end = min(count, (size_t)INSN_MAX) };
    struct prefixes prefixes = { 0 };

    *out = (struct insn){ .address = { .base = INSN_NO_REG, .index = INSN_NO_REG, .scale = 1 } };
    const struct entry *entry = read_opcode(out, &prefixes, &cursor);
    out->op = entry->op;
    out->rex = prefixes.rex != 0;
    out->operand_size = operand_size(entry, &prefixes);
    read_operands(out, entry, prefixes.rex, &cursor);
    if (cursor.overrun && cursor.end < INSN_MAX)
        return INSN_TRUNCATED;

    bool movnti = entry == &two_byte[0xc3];
    bool good = !cursor.overrun && out->op != INSN_NONE && (!out->lock || lock_allowed(out)) &&
                (!movnti || (out->memory && !prefixes.operand16 && !out->rep && !out->repne));
    if (!good) {
        out->op = INSN_NONE;
        return INSN_UNKNOWN;
    }
    out->length = (u8)cursor.at;
    if (entry->group == group_selectors || entry->group == group_tables) {
        out->operand_size = system_size(out->op, out->operand_size);
        if (out->memory)
            out->operand_size = min(out->operand_size, (u8)(out->operand_size == 10 ? 10 : 2));
    }
    if (out->op == INSN_INT || out->op == INSN_IN || out->op == INSN_OUT)
        out->imm = (u8)out->imm; /* a vector or a port has no sign */
    return INSN_OK;
}
