/*
 * The report of a guest that is ended for what it did: registers, the words on its stack, the code it ran, with its own symbols.
 *
 * Everything of the guest's is read through copy_from_guest(), which survives any address, and printed as numbers only: no text of the guest's
 * reaches the console here, except names from its image's symbol table, which image_symbols.c has cleaned.
 */
#include "debug/image_symbols.h"
#include "debug/report.h"
#include "debug/say.h"
#include "lib/debug.h"
#include "x86/usercopy.h"

#define STACK_WORDS     16
#define CODE_BEFORE     8
#define CODE_BYTES      24
#define BACKTRACE_DEPTH 16

#define PLACE_TEXT (SYMBOL_NAME + 24)

/* " name+0x12" when the image's symbols know the address, else "". `back` is 1 for a return address, which may stand behind the last
 * instruction of its function, else 0. */
static const char *place(char buf[PLACE_TEXT], const struct vcpu *v, u64 address, u64 back)
{
    u64 offset;
    const char *name = image_symbols_find(v->domain->symbols, address - back, &offset);

    if (name)
        koan_snprintf(buf, PLACE_TEXT, " %s+0x%lx", name, offset + back);
    else
        buf[0] = '\0';
    return buf;
}

static void print_code(u64 rip)
{
    char line[CODE_BYTES * 3 + 3] = "";
    size_t used = 0;

    for (u32 i = 0; i < CODE_BYTES; i++) {
        u64 at = rip - CODE_BEFORE + i;
        u8 byte;

        if (!copy_from_guest(&byte, at, 1))
            used += koan_snprintf(line + used, sizeof(line) - used, at == rip ? "<..>" : " ..");
        else
            used += koan_snprintf(line + used, sizeof(line) - used, at == rip ? "<%02x>" : " %02x",
                                  byte);
    }
    say("code around rip: %s\n", line);
}

static void print_stack(const struct vcpu *v, u64 rsp)
{
    char text[PLACE_TEXT];

    say("stack:\n");
    for (u32 i = 0; i < STACK_WORDS; i++, rsp += 8) {
        u64 word;

        if (!get_guest_u64(&word, rsp)) {
            say("  %016lx cannot be read\n", rsp);
            return;
        }
        say("  %016lx: %016lx%s\n", rsp, word, place(text, v, word, 0));
    }
}

#define PUSH_RBP 0x55

/* The caller of a function that has not set up its frame where it was interrupted: see symbols.c, where the hypervisor does the same. */
static u64 caller_without_frame(const struct vcpu *v, const struct regs *regs)
{
    u64 offset, word, rsp = regs->rsp;
    u8 first;

    if (!image_symbols_find(v->domain->symbols, regs->rip, &offset) ||
        !copy_from_guest(&first, regs->rip - offset, 1))
        return 0;
    if (first == PUSH_RBP && offset > 1)
        return 0;
    if (first == PUSH_RBP && offset == 1)
        rsp += 8;
    return get_guest_u64(&word, rsp) && image_symbols_find(v->domain->symbols, word - 1, &offset)
               ? word
               : 0;
}

/* Callers by frame pointers, as far as the symbols know their addresses: a guest need not keep frame pointers. */
static void print_backtrace(const struct vcpu *v, const struct regs *regs)
{
    char text[PLACE_TEXT];
    u64 caller = caller_without_frame(v, regs);
    u64 rbp = regs->rbp, frame[2];
    u32 depth = 0;

    say("backtrace:\n");
    say("  #%-2u %016lx%s\n", depth++, regs->rip, place(text, v, regs->rip, 0));
    if (caller)
        say("  #%-2u %016lx%s\n", depth++, caller, place(text, v, caller, 1));
    for (; depth < BACKTRACE_DEPTH; rbp = frame[0]) {
        if (!copy_from_guest(frame, rbp, sizeof(frame)) || frame[0] <= rbp)
            return;
        if (!*place(text, v, frame[1], 1))
            return;
        if (frame[1] != caller)
            say("  #%-2u %016lx%s\n", depth++, frame[1], text);
        caller = 0;
    }
}

void debug_guest_crash(struct vcpu *v, struct regs *regs)
{
    char text[PLACE_TEXT];

    say("%s (domain %u, vCPU %u) was in guest %s mode at %016lx%s, last fault address %016lx\n",
        v->domain->name, v->domain->id, v->id, v->ctx.in_kernel ? "kernel" : "user", regs->rip,
        place(text, v, regs->rip, 0), v->ctx.cr2);
    report_regs(regs);
    say("kernel L4 %016lx, user L4 %016lx, kernel stack %016lx\n", v->ctx.cr3_kernel,
        v->ctx.cr3_user, v->ctx.kernel_sp);
    print_code(regs->rip);
    print_stack(v, regs->rsp);
    if (v->domain->symbols)
        print_backtrace(v, regs);
}
