/*
 * lib/insn.c and insn_execute.c. Two referees: GNU as, which says where each instruction of insn_table.S ends,
 * and this machine's CPU, which executes every store and every address form beside our code.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "unit.h"
#include "lib/insn.h"

struct table_entry {
    const u8 *start, *end;
    const char *name, *text;
};
extern const struct table_entry insn_stores[], insn_addresses[], insn_others[], insn_unknown[];

struct cpu_state {
    u64 regs[16];
    u64 rflags;
};
void insn_run(struct cpu_state *state, const void *code);
extern const u8 insn_back[];

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };
#define ALL_FLAGS (CF | PF | AF | ZF | SF | OF)

static size_t length_of(const struct table_entry *entry)
{
    return (size_t)(entry->end - entry->start);
}

/* Decodes an entry from a heap block of exactly its length: one byte too far, and the sanitizer speaks. */
static struct insn decode(const struct table_entry *entry)
{
    size_t length = length_of(entry);
    u8 *bytes = malloc(length);
    struct insn insn;

    memcpy(bytes, entry->start, length);
    enum insn_status status = insn_decode(&insn, bytes, length);
    ck_assert_msg(status == INSN_OK, "%s: status %d", entry->text, status);
    ck_assert_msg(insn.length == length, "%s: length %u", entry->text, insn.length);
    ck_assert_msg(!strcmp(insn_name(insn.op), entry->name), "%s: %s", entry->text,
                  insn_name(insn.op));
    /* Every beginning of it is no more than that. */
    for (size_t cut = 0; cut < length; cut++) {
        struct insn part;
        u8 *front = malloc(cut);

        if (cut)
            memcpy(front, bytes, cut);
        ck_assert_msg(insn_decode(&part, front, cut) == INSN_TRUNCATED, "%s: cut at %zu",
                      entry->text, cut);
        free(front);
    }
    free(bytes);
    return insn;
}

/* ---- running on the CPU ---- */

/* Puts an instruction into a page of its own, with a jump back behind it. */
static void *prepare(const struct table_entry *entry)
{
    static u8 *page;
    static const u8 jump[] = { 0xff, 0x25, 0, 0, 0, 0 }; /* jmp *0(%rip) */
    const u8 *back = insn_back;

    if (!page)
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    u8 *to = page;
    memcpy(to, entry->start, length_of(entry));
    to += length_of(entry);
    memcpy(to, jump, sizeof(jump));
    memcpy(to + sizeof(jump), &back, sizeof(back));
    return page;
}

static u64 random64(void)
{
    return (u64)rand() << 42 ^ (u64)rand() << 21 ^ (u64)rand();
}

/* Values at which carries, signs and zeros change come up as often as others. */
static u64 random_value(void)
{
    static const u64 edges[] = { 0,
                                 1,
                                 0x7f,
                                 0x80,
                                 0xff,
                                 0x7fff,
                                 0x8000,
                                 0xffff,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x7fffffffffffffff,
                                 0x8000000000000000,
                                 0xffffffffffffffff };

    return rand() % 2 ? random64() : edges[(size_t)rand() % ARRAY_SIZE(edges)];
}

static void random_state(struct cpu_state *state)
{
    for (size_t i = 0; i < 16; i++)
        state->regs[i] = random_value();
    state->rflags = 0x202 | (random64() & ALL_FLAGS);
}

/* Flags that the manual leaves undefined after an instruction. */
static u64 undefined_flags(enum insn_op op)
{
    switch (op) {
    case INSN_AND:
    case INSN_OR:
    case INSN_XOR:
        return AF;
    case INSN_BTS:
    case INSN_BTR:
    case INSN_BTC:
        return OF | SF | AF | PF;
    default:
        return 0;
    }
}

enum { WORDS = 64, MIDDLE = 32 };

static void compare_store(const struct table_entry *entry, const struct insn *insn)
{
    u64 real[WORDS], ours[WORDS], old = 0;
    struct cpu_state state, before;
    struct insn_bases bases = { 0 };
    struct insn_result result;

    for (size_t i = 0; i < WORDS; i++)
        real[i] = random_value();
    random_state(&state);
    if (insn->op >= INSN_BTS && insn->op <= INSN_BTC) /* keep the bit within the buffer */
        state.regs[INSN_RCX] =
            (u64)(rand() % 2048 - 1024) & (insn->operand_size == 2 ? 0xffff : ~0UL);
    if (rand() % 2) /* let half of the cmpxchg succeed */
        state.regs[INSN_RAX] = real[MIDDLE];
    state.regs[INSN_RDI] = (u64)&real[MIDDLE];
    memcpy(ours, real, sizeof(ours));

    const void *code = prepare(entry);
    before = state;
    insn_run(&state, code);
    before.regs[INSN_RSP] = state.regs[INSN_RSP];

    u64 address = insn_address(insn, before.regs, &bases) - (u64)real;
    ck_assert_msg(address <= sizeof(ours) - insn->operand_size, "%s: address", entry->text);
    memcpy(&old, (u8 *)ours + address, insn->operand_size);
    ck_assert(insn_execute_store(insn, old, before.regs, before.rflags, &result));
    memcpy((u8 *)ours + address, &result.value, insn->operand_size);
    if (result.reg != INSN_NO_REG)
        before.regs[result.reg] = result.reg_value;

    u64 ignored = undefined_flags(insn->op);
    ck_assert_msg(!memcmp(ours, real, sizeof(ours)), "%s: memory: old %lx ours %lx", entry->text,
                  old, result.value);
    ck_assert_msg(!memcmp(before.regs, state.regs, sizeof(before.regs)), "%s: registers",
                  entry->text);
    ck_assert_msg(((result.rflags ^ state.rflags) & ~ignored) == 0,
                  "%s: old %lx: flags %lx, the CPU has %lx", entry->text, old, result.rflags,
                  state.rflags);
}

START_TEST(test_stores)
{
    srand(11);
    for (const struct table_entry *entry = insn_stores; entry->start; entry++) {
        struct insn insn = decode(entry);

        ck_assert(insn_is_store(&insn));
        for (int round = 0; round < 500; round++)
            compare_store(entry, &insn);
    }
}
END_TEST

START_TEST(test_addresses)
{
    srand(12);
    for (const struct table_entry *entry = insn_addresses; entry->start; entry += 2) {
        const struct table_entry *lea = entry + 1;
        struct insn insn = decode(entry);
        u8 *code = prepare(lea);
        struct insn_bases bases = { .next_rip = (u64)code + length_of(lea) };

        for (int round = 0; round < 20; round++) {
            struct cpu_state state, before;

            random_state(&state);
            before = state;
            insn_run(&state, code);
            before.regs[INSN_RSP] = state.regs[INSN_RSP];
            ck_assert_msg(insn_address(&insn, before.regs, &bases) == state.regs[INSN_RAX], "%s",
                          entry->text);
        }
    }
}
END_TEST

START_TEST(test_others)
{
    for (const struct table_entry *entry = insn_others; entry->start; entry++)
        decode(entry);
}
END_TEST

START_TEST(test_unknown)
{
    for (const struct table_entry *entry = insn_unknown; entry->start; entry++) {
        struct insn insn;

        ck_assert_msg(insn_decode(&insn, entry->start, length_of(entry)) == INSN_UNKNOWN, "%s",
                      entry->text);
        ck_assert_int_eq(insn.op, INSN_NONE);
    }
}
END_TEST

/* ---- what neither referee sees: fields ---- */

static const struct {
    const char *bytes;
    size_t length;
    u8 size, reg, rm;
    bool memory, immediate;
    u64 imm;
} fields[] = {
    { "\xe4\x61", 2, 1, 0, 0, false, true, 0x61 },       /* in $0x61, %al */
    { "\xe5\xed", 2, 4, 0, 0, false, true, 0xed },       /* in $0xed, %eax: no sign */
    { "\x48\xed", 2, 4, 0, 0, false, false, 0 },         /* in %dx, %eax: REX.W changes nothing */
    { "\x66\xef", 2, 2, 0, 0, false, false, 0 },         /* out %ax, %dx */
    { "\xcd\x80", 2, 0, 0, 0, false, true, 0x80 },       /* int $0x80 */
    { "\x0f\x22\xd8", 3, 8, 3, 0, false, false, 0 },     /* mov %rax, %cr3 */
    { "\x44\x0f\x20\xc1", 4, 8, 8, 1, false, false, 0 }, /* mov %cr8, %rcx */
    { "\x41\x0f\x20\x10", 4, 8, 2, 8, false, false, 0 }, /* mod says memory: ignored */
    { "\x0f\x01\x17", 3, 10, 2, 7, true, false, 0 },     /* lgdt (%rdi) */
    { "\x48\x0f\x01\x20", 4, 2, 4, 0, true, false, 0 },  /* smsw (%rax): memory gets 2 bytes */
    { "\x48\x0f\x01\xe0", 4, 8, 4, 0, false, false, 0 }, /* smsw %rax */
    { "\x0f\x00\xd8", 3, 2, 3, 0, false, false, 0 },     /* ltr %ax */
    { "\x48\xcf", 2, 8, 0, 0, false, false, 0 },         /* iretq */
    { "\xcf", 1, 4, 0, 0, false, false, 0 },             /* iretl */
    { "\x0f\x07", 2, 4, 0, 0, false, false, 0 },         /* sysretl */
    { "\x80\x27\xfb", 3, 1, 4, 7, true, true, 0xfffffffffffffffb }, /* andb $0xfb, (%rdi) */
    { "\x48\x0f\xba\x37\x01", 5, 8, 6, 7, true, true, 1 },          /* btrq $1, (%rdi) */
    { "\x66\x0f\xba\x37\x01", 5, 2, 6, 7, true, true, 1 },          /* btrw $1, (%rdi) */
    { "\x87\xc8", 2, 4, 1, 0, false, false, 0 },                    /* xchg %ecx, %eax: no store */
};

START_TEST(test_fields)
{
    struct insn insn;

    ck_assert_int_eq(insn_decode(&insn, (const u8 *)fields[_i].bytes, fields[_i].length), INSN_OK);
    ck_assert_uint_eq(insn.length, fields[_i].length);
    ck_assert_uint_eq(insn.operand_size, fields[_i].size);
    ck_assert_uint_eq(insn.reg, fields[_i].reg);
    ck_assert_uint_eq(insn.rm, fields[_i].rm);
    ck_assert_int_eq(insn.memory, fields[_i].memory);
    ck_assert_int_eq(insn.immediate, fields[_i].immediate);
    ck_assert_uint_eq(insn.imm, fields[_i].imm);
}
END_TEST

START_TEST(test_prefixes_and_segments)
{
    struct insn_bases bases = { .next_rip = 0x1000, .fs = 0xf000000000, .gs = 0x6000000000 };
    u64 regs[16] = { [INSN_RDI] = 0x100 };
    struct insn_result result;
    struct insn insn;

    ck_assert_int_eq(insn_decode(&insn, (const u8 *)"\x65\x48\x89\x07", 4), INSN_OK);
    ck_assert_uint_eq(insn_address(&insn, regs, &bases), 0x6000000100);
    ck_assert_int_eq(insn_decode(&insn, (const u8 *)"\x64\x48\x89\x47\xff", 5), INSN_OK);
    ck_assert_uint_eq(insn_address(&insn, regs, &bases), 0xf0000000ff);
    ck_assert_int_eq(insn_decode(&insn, (const u8 *)"\xf0\x48\x0f\xb3\x07", 5), INSN_OK);
    ck_assert(insn.lock && !insn.rep && !insn.repne);
    ck_assert_int_eq(insn_decode(&insn, (const u8 *)"\xf3\x6c", 2), INSN_OK);
    ck_assert(insn.rep && !insn.repne);
    ck_assert_int_eq(insn_decode(&insn, (const u8 *)"\xa3\xf0\xde\xbc\x9a\x78\x56\x34\x92", 9),
                     INSN_OK); /* movabs %eax, 0x9234... */
    ck_assert_uint_eq(insn_address(&insn, regs, &bases), 0x923456789abcdef0);
    ck_assert_int_eq(insn_decode(&insn, (const u8 *)"\x67\xa3\xf0\xde\xbc\x9a", 6), INSN_OK);
    ck_assert_uint_eq(insn_address(&insn, regs, &bases), 0x9abcdef0);
    ck_assert_int_eq(insn_decode(&insn, (const u8 *)"\xfa", 1), INSN_OK);
    ck_assert(!insn_execute_store(&insn, 0, regs, 0x202, &result));
    ck_assert_int_eq(insn_decode(&insn, (const u8 *)"\x0f\x01\x1f", 3), INSN_OK); /* lidt (%rdi) */
    ck_assert(!insn_execute_store(&insn, 0, regs, 0x202, &result)); /* an operand of ten bytes */
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_stores);
    tcase_add_test(tests, test_addresses);
    tcase_add_test(tests, test_others);
    tcase_add_test(tests, test_unknown);
    tcase_add_loop_test(tests, test_fields, 0, ARRAY_SIZE(fields));
    tcase_add_test(tests, test_prefixes_and_segments);
}
