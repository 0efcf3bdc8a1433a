/*
 * Interrupts and kicks: see interrupt.h.
 */
#include "x86/interrupt.h"

#include "lib/debug.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/io_apic.h"
#include "x86/tlb.h"

static void set_work(struct cpu *c, u64 work)
{
    __atomic_fetch_or(&c->work, work, __ATOMIC_SEQ_CST);
}

/* Since when does work wait here? The first interrupt that finds none waiting says so; who does the work
 * compares (exit_work, idle loop). */
static void note_work_begins(struct cpu *c)
{
    if (!c->work_since)
        c->work_since = rdtsc();
}

/* One of a device's, which wants its end now or later; or a spurious one of the masked 8259s. */
static void other_interrupt(u32 vector)
{
    if (vector < DEVICE_VECTOR_FIRST || vector > DEVICE_VECTOR_LAST) {
        apic_end_of_interrupt();
        return;
    }
    note_work_begins(this_cpu());
    set_work(this_cpu(), WORK_PIRQ);
    io_apic_interrupt((u8)vector);
}

void interrupt(struct regs *regs)
{
    switch (regs->vector) {
    case VECTOR_TIMER:
        note_work_begins(this_cpu());
        set_work(this_cpu(), WORK_TIMER);
        apic_timer_expired();
        watchdog_tick(regs);
        break;
    case VECTOR_WORK: /* the sender has set the bits */
        break;
    case VECTOR_FLUSH:
        tlb_answer();
        break;
    case VECTOR_SPURIOUS:
        return; /* wants no end of interrupt (SDM vol. 3, 10.9) */
    default:
        other_interrupt(regs->vector);
        return;
    }
    apic_end_of_interrupt();
}

/* Whoever set the bits that are there already has sent the interrupt, or is that CPU itself and
 * will look. */
void cpu_kick(u32 id, u64 work)
{
    u64 before = __atomic_fetch_or(&cpu_of(id)->work, work, __ATOMIC_SEQ_CST);

    if (!before && id != this_cpu()->id)
        apic_send(id, VECTOR_WORK);
}
