/*
 * Symbols of the hypervisor and walks along its stacks.
 *
 * Frame pointers are kept in the whole hypervisor (-fno-omit-frame-pointer), so a frame is two words: the caller's frame pointer and the return
 * address (System V ABI, 3.2.2). A broken chain must not hurt: each frame has to lie in the mapped stack pages of a CPU block, higher than the last one, and
 * the walk is bounded.
 */
#include "debug/symbols.h"

#include "debug/say.h"
#include "lib/printf.h"
#include "x86/cpu.h"

/* What tools/symbols.py writes: `count` code addresses, ascending, relative to the start of the image, each with its name's place in `names`. The
 * last one is the end of the code, without a name. */
struct symbol {
    u32 start;
    u32 name;
};
extern const u32 symbols_count;
extern const struct symbol symbols_table[];
extern const char symbols_names[];

#define BACKTRACE_DEPTH 32

bool symbols_is_code(u64 address)
{
    return symbols_count > 0 && address >= KOAN_VA + symbols_table[0].start &&
           address < KOAN_VA + symbols_table[symbols_count - 1].start;
}

const char *symbols_find(u64 address, u64 *offset)
{
    u32 low = 0, high = symbols_count; /* the symbol is in [low, high) */
    u64 relative = address - KOAN_VA;

    if (!symbols_is_code(address))
        return NULL;
    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;

        if (symbols_table[middle].start <= relative)
            low = middle;
        else
            high = middle;
    }
    *offset = relative - symbols_table[low].start;
    return symbols_names + symbols_table[low].name;
}

const char *symbols_format(char *buf, size_t size, u64 address)
{
    u64 offset;
    const char *name = symbols_find(address, &offset);

    if (name)
        koan_snprintf(buf, size, "%s+0x%lx", name, offset);
    else
        koan_snprintf(buf, size, "?");
    return buf;
}

/* For a return address: a call that does not return may be a function's last instruction, so the one before it is looked up. */
static const char *format_return(char *buf, size_t size, u64 address)
{
    u64 offset;
    const char *name = symbols_find(address - 1, &offset);

    if (name)
        koan_snprintf(buf, size, "%s+0x%lx", name, offset + 1);
    else
        koan_snprintf(buf, size, "?");
    return buf;
}

/* Pages 2, 4, 6, 8 and 10 to 15 of a block are stacks; the others are code or guards. */
static bool page_is_stack(u64 address)
{
    u64 page = (address % CPU_BLOCK_SIZE) / PAGE_SIZE;

    return page >= 10 || (page >= 2 && page % 2 == 0);
}

/* The block that we stand on is there in any case: early in start-up it is one inside the image. */
static bool is_in_block(u64 address)
{
    u64 own = ROUND_DOWN((u64)this_cpu(), CPU_BLOCK_SIZE);

    return address - own < CPU_BLOCK_SIZE || address - STACKS_VA < nr_cpus * CPU_BLOCK_SIZE;
}

bool stack_readable(u64 address, size_t length)
{
    u64 last = address + length - 1;

    return is_in_block(address) && is_in_block(last) && page_is_stack(address) &&
           page_is_stack(last) && last - address < PAGE_SIZE;
}

static void print_return(u32 depth, u64 address)
{
    char text[SYMBOL_TEXT];

    say("  #%-2u %016lx %s\n", depth, address, format_return(text, sizeof(text), address));
}

#define PUSH_RBP 0x55

/*
 * A fault can hit a function before it has set up its frame, or one that sets none up on that path: then the chain of rbp lacks its caller.
 * Its return address is on top of the stack: one that follows a CALL, in a function that has not begun with PUSH RBP, or has only just.
 */
static u64 caller_without_frame(u64 rip, u64 rsp)
{
    u64 offset, word;

    if (rsp % 8 || !stack_readable(rsp, 16) || !symbols_find(rip, &offset))
        return 0;
    if (*(const u8 *)(rip - offset) == PUSH_RBP && offset > 0)
        rsp += 8;
    if (*(const u8 *)(rip - offset) == PUSH_RBP && offset > 1)
        return 0;
    word = *(const u64 *)rsp;
    return symbols_is_code(word) && symbols_is_code(word - 5) ? word : 0;
}

static u32 print_first(u64 rip, u64 rsp, u64 rbp)
{
    char text[SYMBOL_TEXT];
    u32 depth = 0;

    say("backtrace:\n");
    if (!rsp) {
        print_return(depth++, rip);
        return depth;
    }
    u64 caller = caller_without_frame(rip, rsp);
    say("  #%-2u %016lx %s\n", depth++, rip, symbols_format(text, sizeof(text), rip));
    if (caller && !(stack_readable(rbp, 16) && ((const u64 *)rbp)[1] == caller))
        print_return(depth++, caller);
    return depth;
}

void backtrace_print(u64 rip, u64 rsp, u64 rbp)
{
    u32 depth = print_first(rip, rsp, rbp);

    while (depth < BACKTRACE_DEPTH && rbp % 8 == 0 && stack_readable(rbp, 16)) {
        const u64 *frame = (const u64 *)rbp;

        if (!symbols_is_code(frame[1]))
            break;
        print_return(depth++, frame[1]);
        if (frame[0] <= rbp)
            break;
        rbp = frame[0];
    }
}

void stack_print(u64 rsp, u32 words)
{
    char text[SYMBOL_TEXT];

    say("stack from %016lx on:\n", rsp);
    for (u32 i = 0; i < words; i++, rsp += 8) {
        if (rsp % 8 || !stack_readable(rsp, 8)) {
            say("  %016lx is on no stack of the hypervisor\n", rsp);
            return;
        }
        u64 word = *(const u64 *)rsp;

        if (symbols_is_code(word))
            say("  %016lx: %016lx %s\n", rsp, word, symbols_format(text, sizeof(text), word));
        else
            say("  %016lx: %016lx\n", rsp, word);
    }
}
