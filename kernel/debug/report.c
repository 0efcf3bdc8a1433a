/*
 * Registers, locks and places in words. Reads without locks what may be changing: a report shows what is there.
 */
#include "debug/report.h"

#include "debug/say.h"
#include "lib/string.h"
#include "x86/lock.h"

const char *trap_name(u32 vector)
{
    static const char *const names[] = {
        [TRAP_DE] = "#DE divide error",
        [TRAP_DB] = "#DB debug",
        [TRAP_NMI] = "NMI",
        [TRAP_BP] = "#BP breakpoint",
        [TRAP_OF] = "#OF overflow",
        [TRAP_BR] = "#BR bound range",
        [TRAP_UD] = "#UD invalid opcode",
        [TRAP_NM] = "#NM device not available",
        [TRAP_DF] = "#DF double fault",
        [TRAP_TS] = "#TS invalid TSS",
        [TRAP_NP] = "#NP segment not present",
        [TRAP_SS] = "#SS stack fault",
        [TRAP_GP] = "#GP general protection",
        [TRAP_PF] = "#PF page fault",
        [TRAP_MF] = "#MF x87 error",
        [TRAP_AC] = "#AC alignment check",
        [TRAP_MC] = "#MC machine check",
        [TRAP_XM] = "#XM SIMD error",
    };

    return vector < ARRAY_SIZE(names) && names[vector] ? names[vector] : "";
}

/* Lines of less than 80 characters: screens have no more. */
void report_regs(const struct regs *regs)
{
    say("rip %04lx:%016lx  rsp %04lx:%016lx  rflags %08lx\n", regs->cs & 0xffff, regs->rip,
        regs->ss & 0xffff, regs->rsp, regs->rflags);
    say("rax %016lx rbx %016lx rcx %016lx\n", regs->rax, regs->rbx, regs->rcx);
    say("rdx %016lx rsi %016lx rdi %016lx\n", regs->rdx, regs->rsi, regs->rdi);
    say("rbp %016lx r8  %016lx r9  %016lx\n", regs->rbp, regs->r8, regs->r9);
    say("r10 %016lx r11 %016lx r12 %016lx\n", regs->r10, regs->r11, regs->r12);
    say("r13 %016lx r14 %016lx r15 %016lx\n", regs->r13, regs->r14, regs->r15);
}

static void lock_names(char *buf, size_t size, u32 held)
{
    static const char *const names[] = {
        "domain list",       "domain", "second domain", "events",    "second events",
        "interrupt lines",   "grants", "second grants", "run queue", "second run queue",
        "scheduler's group", "timers", "allocator",     "flush",     "console ring",
        "guests' lines",     "console"
    };

    static_assert(LOCK_CONSOLE == BIT(ARRAY_SIZE(names) - 1),
                  "each level of x86/lock.h has its name here");
    strlcpy(buf, held ? "" : "none", size);
    for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
        size_t used = strlen(buf);

        if (held & BIT(i))
            koan_snprintf(buf + used, size - used, "%s%s", used ? ", " : "", names[i]);
    }
}

void report_where(const struct cpu *cpu)
{
    char locks[96];
    const struct vcpu *v = cpu->current;

    lock_names(locks, sizeof(locks), cpu->lock_level);
    if (v)
        say("CPU %u, running %s (domain %u, vCPU %u), locks held: %s\n", cpu->id, v->domain->name,
            v->domain->id, v->id, locks);
    else
        say("CPU %u, running no guest, locks held: %s\n", cpu->id, locks);
}

const char *page_fault_words(char *buf, size_t size, u32 error_code)
{
    koan_snprintf(buf, size, "%s in %s mode, %s%s",
                  error_code & PF_FETCH   ? "fetch"
                  : error_code & PF_WRITE ? "write"
                                          : "read",
                  error_code & PF_USER ? "user" : "supervisor",
                  error_code & PF_PRESENT ? "the page forbids it" : "no page there",
                  error_code & PF_RESERVED ? ", reserved bit set" : "");
    return buf;
}
