/*
 * TLB flushes, here and on other CPUs, and the clock that tells which of them are still owed.
 *
 * The flush clock counts full flushes on any CPU. A frame whose writable (or table) use ends is stamped with it; a CPU whose own
 * last full flush is later than the stamp cannot have a stale entry for that frame, so a change of type needs no flush there. Hypervisor mappings are
 * global and never change after boot, except the descriptor windows, which are flushed by page.
 */
#ifndef KOAN_X86_TLB_H
#define KOAN_X86_TLB_H

#include "lib/types.h"
#include "x86/layout.h"
#ifndef KOAN_HOST
#include "x86/asm.h"
#include "x86/cpu.h"
#endif

struct cpumask {
    u64 bits[NR_CPUS / 64];
};

static inline void cpumask_set(struct cpumask *m, u32 cpu)
{
    __atomic_fetch_or(&m->bits[cpu / 64], 1UL << (cpu % 64), __ATOMIC_SEQ_CST);
}

static inline void cpumask_clear(struct cpumask *m, u32 cpu)
{
    __atomic_fetch_and(&m->bits[cpu / 64], ~(1UL << (cpu % 64)), __ATOMIC_SEQ_CST);
}

static inline bool cpumask_test(const struct cpumask *m, u32 cpu)
{
    return __atomic_load_n(&m->bits[cpu / 64], __ATOMIC_RELAXED) >> (cpu % 64) & 1;
}

#define TLB_ALL (~0UL)

/* The flush clock now: the stamp for a frame whose use ends. */
u64 tlb_clock(void);

#ifndef KOAN_HOST
extern u64 tlb_flush_clock; /* a */

/*
 * Load CR3 (a full flush of non-global entries). Call with interrupts off or where no vCPU switch can come between. cpu->cr3 goes first: a flush
 * request that comes in between then loads the new one, too.
 */
static ALWAYS_INLINE void tlb_load_cr3(u64 cr3)
{
    struct cpu *c = this_cpu();
    u64 now = __atomic_add_fetch(&tlb_flush_clock, 1, __ATOMIC_SEQ_CST);

    c->cr3 = cr3;
    write_cr3(cr3);
    c->flush_clock = now;
    c->stat_cr3_loads++;
}

/* Flush one page here, in line. */
static ALWAYS_INLINE void tlb_invlpg(u64 va)
{
    invlpg(va);
    this_cpu()->stat_invlpg++;
}
#endif

/* Flush this CPU: everything non-global, or the page of one address. */
void tlb_flush_local(void);
void tlb_flush_page_local(u64 va);

/* Flush va's page, or everything when va is TLB_ALL, on all CPUs of the mask; returns when all have done so. Interrupts must be on if
 * other CPUs are in the mask; may be called with locks below LOCK_FLUSH held. */
void tlb_flush_mask(const struct cpumask *mask, u64 va);

/* Flush those CPUs of the mask whose last full flush is not later than the stamp. */
void tlb_flush_stale(const struct cpumask *mask, u64 stamp);

/* The interrupt that asks this CPU to flush. */
void tlb_answer(void);

#endif
