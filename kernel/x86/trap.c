/*
 * Exceptions in the hypervisor itself: the expected ones have an entry in the exception table, the others are bugs.
 */
#include "x86/trap.h"
#include "x86/extable.h"
#include "x86/upcalls.h"

#define DR6_CLEAR 0xffff0ff0UL

extern const struct extable_entry __ex_table_start[], __ex_table_end[];

u64 extable_find(u64 rip)
{
    for (const struct extable_entry *e = __ex_table_start; e < __ex_table_end; e++)
        if (e->insn == rip)
            return e->fixup;
    return 0;
}

void hypervisor_exception(struct regs *regs)
{
    /*
     * A guest's breakpoint on its own data that the hypervisor copies, or MOV SS before SYSCALL: nothing of ours, and no fault of the
     * instruction that comes next, whose address this is. What DR6 says of it is not for the guest that looks there next.
     */
    if (regs->vector == TRAP_DB) {
        asm volatile("mov %0, %%dr6" ::"r"(DR6_CLEAR));
        return;
    }
    u64 fixup = extable_find(regs->rip);

    if (fixup) {
        regs->rip = fixup;
        return;
    }
    hypervisor_trap(regs);
}
