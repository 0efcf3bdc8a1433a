/*
 * TLB flushes and the flush clock: see tlb.h.
 *
 * A flush takes its time from the clock before it reloads CR3 and shows it afterwards, so it always counts as older than it is: a stamp taken after
 * a page-table entry was cleared, and smaller than a CPU's time, is from before that CPU's reload.
 */
#include "x86/tlb.h"

#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/lock.h"

u64 tlb_flush_clock; /* a */

/* The request under way; asked for one at a time. */
static struct spinlock flush_lock = SPINLOCK_INIT(LOCK_FLUSH);
static u64 request_va;         /* flush_lock; read by those asked */
static struct cpumask waiting; /* a: CPUs that have not answered yet */

/*
 * The entry that was cleared before must be seen by all page walkers by then: else one could, after a flush that counts as later than this time,
 * still read the old one. On x86 a load may overtake a store (SDM vol. 3, 8.2.3.4).
 */
u64 tlb_clock(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&tlb_flush_clock, __ATOMIC_SEQ_CST);
}

void tlb_flush_local(void)
{
    struct cpu *c = this_cpu();
    u64 now = __atomic_add_fetch(&tlb_flush_clock, 1, __ATOMIC_SEQ_CST);

    write_cr3(c->cr3);
    c->flush_clock = now;
    c->stat_flushes++;
}

void tlb_flush_page_local(u64 va)
{
    tlb_invlpg(va);
}

static void flush(u64 va)
{
    if (va == TLB_ALL)
        tlb_flush_local();
    else
        tlb_flush_page_local(va);
}

void tlb_answer(void)
{
    u32 id = this_cpu()->id;

    if (!cpumask_test(&waiting, id))
        return;
    flush(__atomic_load_n(&request_va, __ATOMIC_ACQUIRE));
    cpumask_clear(&waiting, id);
}

static u32 mask_words(void)
{
    return (nr_cpus + 63) / 64;
}

static bool mask_empty(const struct cpumask *mask)
{
    u64 any = 0;

    for (u32 i = 0; i < mask_words(); i++)
        any |= __atomic_load_n(&mask->bits[i], __ATOMIC_ACQUIRE);
    return any == 0;
}

/* Ask all CPUs of the mask, which is not empty and does not hold this one, and wait for their answers. */
static void ask_others(const struct cpumask *others, u64 va)
{
    spin_lock(&flush_lock);
    __atomic_store_n(&request_va, va, __ATOMIC_RELEASE);
    for (u32 i = 0; i < mask_words(); i++)
        __atomic_store_n(&waiting.bits[i], others->bits[i], __ATOMIC_SEQ_CST);
    for (u32 cpu = 0; cpu < nr_cpus; cpu++)
        if (others->bits[cpu / 64] >> (cpu % 64) & 1)
            apic_send(cpu, VECTOR_FLUSH);
    while (!mask_empty(&waiting))
        cpu_relax();
    spin_unlock(&flush_lock);
}

void tlb_flush_mask(const struct cpumask *mask, u64 va)
{
    struct cpumask others;
    u32 self = this_cpu()->id;

    if (cpumask_test(mask, self))
        flush(va);
    if (nr_cpus == 1)
        return;
    for (u32 i = 0; i < mask_words(); i++)
        others.bits[i] = __atomic_load_n(&mask->bits[i], __ATOMIC_SEQ_CST);
    others.bits[self / 64] &= ~BIT(self % 64);
    if (!mask_empty(&others))
        ask_others(&others, va);
}

void tlb_flush_stale(const struct cpumask *mask, u64 stamp)
{
    struct cpumask stale = { 0 };

    for (u32 cpu = 0; cpu < nr_cpus; cpu++)
        if (cpumask_test(mask, cpu) &&
            __atomic_load_n(&cpu_of(cpu)->flush_clock, __ATOMIC_ACQUIRE) <= stamp)
            stale.bits[cpu / 64] |= BIT(cpu % 64);
    if (!mask_empty(&stale))
        tlb_flush_mask(&stale, TLB_ALL);
}
