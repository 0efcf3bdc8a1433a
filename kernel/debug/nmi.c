/*
 * NMI and machine check: the two entries that interrupt anything, each on a stack of its own (x86/cpu.h).
 *
 * The hypervisor sends NMIs itself, in a panic and for a stuck CPU. One that it did not send comes from the hardware (memory or bus
 * error, a watchdog, a button): it is reported, and the machine goes on. The handler may have interrupted any instruction: it takes no
 * lock, and IRET at its end opens the next NMI, so nothing in it may fault.
 *
 * Sources: SDM vol. 3, 6.7 (NMI), 15.3.2 (machine-check banks).
 */
#include "debug/nmi.h"

#include "debug/panic.h"
#include "debug/report.h"
#include "debug/say.h"
#include "debug/symbols.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/upcalls.h"

#define TURN_WAIT_CYCLES 2000000000UL
#define STOP_WAIT_CYCLES 3000000000UL /* for CPUs that do not answer: about a second */

static const struct regs
    *stopped_at[NR_CPUS]; /* a: where a CPU was when a panic stopped it: on its NMI stack */
static bool answering;    /* a: a report is being given */
static u32 reports;       /* a: how many have been given */
static const char *asked[NR_CPUS]; /* a: the reason of a request to report, until it is answered */

NORETURN static void stop_here(const struct regs *regs)
{
    __atomic_store_n(&stopped_at[this_cpu()->id], regs, __ATOMIC_RELEASE);
    for (;;)
        asm volatile("cli; hlt");
}

static u32 count_stopped(void)
{
    u32 count = 0;

    for (u32 i = 0; i < nr_cpus; i++)
        count += __atomic_load_n(&stopped_at[i], __ATOMIC_ACQUIRE) != NULL;
    return count;
}

void nmi_stop_others(void)
{
    u64 start = rdtsc();

    for (u32 i = 0; i < nr_cpus; i++)
        if (i != this_cpu()->id)
            apic_send_nmi(i);
    while (count_stopped() + 1 < nr_cpus && rdtsc() - start < STOP_WAIT_CYCLES)
        cpu_relax();
}

void nmi_report_stopped(void)
{
    char text[SYMBOL_TEXT];

    for (u32 i = 0; i < nr_cpus; i++) {
        const struct regs *regs = stopped_at[i];

        if (i == this_cpu()->id)
            continue;
        if (!regs)
            say("CPU %u did not answer\n", i);
        else if (regs_from_guest(regs))
            say("CPU %u was in a guest, at %016lx\n", i, regs->rip);
        else
            say("CPU %u was in %s\n", i, symbols_format(text, sizeof(text), regs->rip));
    }
}

void nmi_ask(u32 cpu, const char *why)
{
    __atomic_store_n(&asked[cpu], why, __ATOMIC_SEQ_CST);
    apic_send_nmi(cpu);
}

/* One report after the other. Not for ever: who has the turn may itself be stopped by a panic. */
static void take_turn(void)
{
    u64 start = rdtsc();

    while (__atomic_exchange_n(&answering, true, __ATOMIC_ACQUIRE) &&
           rdtsc() - start < TURN_WAIT_CYCLES && !panic_under_way())
        cpu_relax();
}

void nmi_answer(const struct regs *regs, const char *why)
{
    u64 offset;
    const char *name = symbols_find(regs->rip, &offset);

    take_turn();
    say_urgent_begin();
    say("CPU %u %s, in %s\n", this_cpu()->id, why, name ? name : "a guest");
    report_where(this_cpu());
    report_regs(regs);
    if (!regs_from_guest(regs))
        backtrace_print(regs->rip, regs->rsp, regs->rbp);
    say_urgent_end();
    __atomic_store_n(&answering, false, __ATOMIC_RELEASE);
    __atomic_fetch_add(&reports, 1, __ATOMIC_SEQ_CST);
}

u32 nmi_reports(void)
{
    return __atomic_load_n(&reports, __ATOMIC_SEQ_CST);
}

void nmi_handler(struct regs *regs)
{
    const char *why = __atomic_exchange_n(&asked[this_cpu()->id], NULL, __ATOMIC_SEQ_CST);

    if (panic_under_way())
        stop_here(regs);
    if (!why) /* the domain that looks after the machine hears of it, too */
        __atomic_fetch_or(&this_cpu()->work, WORK_NMI, __ATOMIC_SEQ_CST);
    nmi_answer(regs, why ? why : "got an NMI from the hardware (memory or bus error, or a button)");
}

/* ---- machine check ---- */

#define MSR_MCG_CAP      0x179
#define MSR_MCG_STATUS   0x17a
#define MSR_MC_STATUS(n) (0x401 + 4 * (n))
#define MSR_MC_ADDR(n)   (0x402 + 4 * (n))
#define MC_STATUS_VALID  BIT(63)
#define MC_STATUS_ADDR   BIT(58)
#define CPUID_MCA        BIT(14) /* leaf 1, edx: the machine-check MSRs exist */

static void report_banks(void)
{
    u32 banks = (cpuid(1, 0).edx & CPUID_MCA) ? rdmsr(MSR_MCG_CAP) & 0xff : 0;

    for (u32 i = 0; i < banks; i++) {
        u64 status = rdmsr(MSR_MC_STATUS(i));

        if (status & MC_STATUS_VALID)
            say("machine-check bank %u: status %016lx, address %016lx\n", i, status,
                status & MC_STATUS_ADDR ? rdmsr(MSR_MC_ADDR(i)) : 0);
    }
}

void machine_check_handler(struct regs *regs)
{
    panic_at(regs, report_banks,
             "machine check on CPU %u: the hardware reports an error that it could not mend",
             this_cpu()->id);
}
