/*
 * The dispatch table that entry.asm indexes, and the ways on after a hypercall that stopped early.
 */
#include "hypercall/handlers.h"
#include "hypercall/table.h"
#include "x86/upcalls.h"

s64 hypercall_unknown(void)
{
    return refuse(-XEN_ENOSYS, guest_regs()->rax);
}

static s64 no_such_call(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    return hypercall_unknown();
}

#define TABLE_ENTRY(nr, name)  [nr] = hc_##name,
#define ABSENT_ENTRY(nr, name) [nr] = no_such_call,

/* Every slot is filled first, so that entry.asm needs no test for an empty one; the list then names those that exist. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
/* clang-format off */
hypercall_fn *const hypercall_table[HYPERCALL_SLOTS] = {
    [0 ... HYPERCALL_SLOTS - 1] = no_such_call,
    HYPERCALLS(TABLE_ENTRY, ABSENT_ENTRY)
};
/* clang-format on */
#pragma GCC diagnostic pop

#define NAME_ENTRY(nr, name) [nr] = #name,

const char *hypercall_name(u64 nr)
{
    static const char *const names[HYPERCALL_SLOTS] = { HYPERCALLS(NAME_ENTRY, NAME_ENTRY) };

    return nr < HYPERCALL_SLOTS && names[nr] ? names[nr] : "unknown";
}

/* LAB 4.1b: See to it that a call which stopped early goes on where it stopped. */

/*
 * Outside a multicall: point rip at the SYSCALL again (two bytes), with the number and the new arguments in the registers. The handler returns
 * the number, because its result goes to rax, from which the next round takes it.
 */
s64 hypercall_restart(u32 nr, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct multicall_state *m = &current_vcpu()->multicall;
    struct regs *regs = guest_regs();

    if (m->active) {
        m->restart = true;
        m->args[0] = a1, m->args[1] = a2, m->args[2] = a3;
        m->args[3] = a4, m->args[4] = a5, m->args[5] = a6;
        return nr;
    }
    regs->rip -= 2;
    regs->rdi = a1, regs->rsi = a2, regs->rdx = a3;
    regs->r10 = a4, regs->r8 = a5, regs->r9 = a6;
    return nr;
}

/* The registers are left as they are, those that a call with two arguments does not use included. */
s64 hypercall_again(u32 nr, u64 a1, u64 a2)
{
    const struct regs *r = guest_regs();

    if (current_vcpu()->multicall.active)
        return hypercall_restart(nr, a1, a2, 0, 0, 0, 0);
    return hypercall_restart(nr, a1, a2, r->rdx, r->r10, r->r8, r->r9);
}

/* END LAB 4.1b */
