/*
 * Fuzzes the instruction decoder and, where it finds a store, its execution. Promises: a length within the bytes
 * given, the same answer when more bytes follow, and results no wider than the operand.
 */
#include <string.h>

#include "fuzz.h"
#include "lib/insn.h"

static void execute(const struct insn *insn, u64 seed)
{
    struct insn_bases bases = { seed, ~seed, seed * 3 };
    u64 regs[INSN_REGS];
    struct insn_result result;

    for (unsigned i = 0; i < INSN_REGS; i++)
        regs[i] = seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    insn_address(insn, regs, &bases);
    bool store = insn_execute_store(insn, seed, regs, seed, &result);
    FUZZ_REQUIRE(store == insn_is_store(insn));
    if (!store)
        return;
    FUZZ_REQUIRE(insn->operand_size && insn->operand_size <= 8);
    FUZZ_REQUIRE(insn->operand_size == 8 || result.value >> 8 * insn->operand_size == 0);
    FUZZ_REQUIRE(result.reg >= INSN_NO_REG && result.reg < INSN_REGS);
    FUZZ_REQUIRE(((result.rflags ^ seed) & ~0x8d5UL) == 0); /* only arithmetic flags change */
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct insn insn, again;
    u8 longer[32] = { 0 };
    u64 seed = 0;

    enum insn_status status = insn_decode(&insn, data, size);
    FUZZ_REQUIRE(status != INSN_TRUNCATED || size < INSN_MAX);
    FUZZ_REQUIRE((status == INSN_OK) == (insn.op != INSN_NONE) || status == INSN_TRUNCATED);
    if (status != INSN_OK)
        return 0;
    FUZZ_REQUIRE(insn.length >= 1 && insn.length <= INSN_MAX && insn.length <= size);

    memcpy(longer, data, insn.length);
    memset(longer + insn.length, 0xcc, sizeof(longer) - insn.length);
    FUZZ_REQUIRE(insn_decode(&again, longer, sizeof(longer)) == INSN_OK);
    FUZZ_REQUIRE(memcmp(&insn, &again, sizeof(insn)) == 0);
    memcpy(&seed, data, min(size, sizeof(seed)));
    execute(&insn, seed);
    return 0;
}
