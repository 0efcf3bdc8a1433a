/*
 * A fault in the hypervisor's own code that nobody expected: always a bug, always a panic.
 *
 * The decision that no exception-table entry covers it has been made by the entry code. A double fault has its own stack and mostly means
 * that the main stack ran into its guard page: the report says so when CR2 agrees.
 */
#include "debug/panic.h"
#include "debug/report.h"
#include "debug/symbols.h"
#include "x86/asm.h"
#include "x86/upcalls.h"

/* Selector error code of #GP, #TS, #NP, #SS: SDM vol. 3, 6.13. */
static const char *selector_table(u32 error)
{
    static const char *const tables[] = { "GDT", "IDT", "LDT", "IDT" };

    return tables[error >> 1 & 3];
}

static bool is_guard_page(u64 address)
{
    return address >= STACKS_VA && address < STACKS_VA + nr_cpus * CPU_BLOCK_SIZE &&
           (address % CPU_BLOCK_SIZE) / PAGE_SIZE % 2 == 1 && !stack_readable(address, 1);
}

/* LAB 1.4b: Say in one line which exception it was, where, on which address, and why. */

NORETURN static void page_fault(const struct regs *regs, u64 address)
{
    char words[64], place[SYMBOL_TEXT];

    panic_at(regs, NULL, "page fault in %s at address %016lx (error %#x: %s)",
             symbols_format(place, sizeof(place), regs->rip), address, regs->error_code,
             page_fault_words(words, sizeof(words), regs->error_code));
}

/* Panic with the exception's name, the function that it came in, and what its error code and CR2
 * mean for it. */
void hypervisor_trap(struct regs *regs)
{
    u64 address = read_cr2();
    char place[SYMBOL_TEXT];

    if (regs->vector == TRAP_PF)
        page_fault(regs, address);
    symbols_format(place, sizeof(place), regs->rip);
    if (regs->vector == TRAP_DF)
        panic_at(regs, NULL, "double fault in %s, stack pointer %016lx, CR2 %016lx%s", place,
                 regs->rsp, address,
                 is_guard_page(address) ? ": a stack has overflowed into its guard page" : "");
    if (regs->error_code)
        panic_at(regs, NULL, "exception %u (%s) in %s, error %#x: %s entry %#x", regs->vector,
                 trap_name(regs->vector), place, regs->error_code, selector_table(regs->error_code),
                 regs->error_code >> 3);
    panic_at(regs, NULL, "exception %u (%s) in %s", regs->vector, trap_name(regs->vector), place);
}

/* END LAB 1.4b */
