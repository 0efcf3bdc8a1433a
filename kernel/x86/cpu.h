/*
 * What one host CPU has: its stacks, its descriptor tables and struct cpu, all in one block of CPU_BLOCK_SIZE, aligned to its size.
 *
 * The CPU finds its struct by its stack pointer, on whichever of its stacks it runs, so no GS base has to be swapped on the way in
 * and the guest's stay in the hardware. Pages of the block, from its start (STACKS_VA + id * CPU_BLOCK_SIZE):
 *
 *   0        the SYSCALL stub: the same machine frame in every block, executable; finds the block relative to its own address
 *   1        guard (not mapped)      2   double-fault stack
 *   3        guard                   4   NMI stack
 *   5        guard                   6   machine-check stack
 *   7        guard                   8   debug-exception stack (#DB can be raised by MOV SS; SYSCALL before the stack is switched)
 *   9        guard                   10..15  main stack, grows down from just below struct cpu
 *
 * The outermost struct regs lies directly below struct cpu. Locking: a field is this CPU's own (c), read-only after boot (r), or
 * changed by any CPU with atomic operations (a).
 */
#ifndef KOAN_X86_CPU_H
#define KOAN_X86_CPU_H

#include "lib/types.h"
#include "x86/layout.h"
#include "x86/regs.h"

struct vcpu;
struct domain_memory;

/* Bits of cpu->work: what to look at before the CPU goes back to a guest. Interrupts only set them. */
#define WORK_RESCHED BIT(0) /* pick the next vCPU */
#define WORK_TIMER   BIT(1) /* the timer has run out: some time has come */
#define WORK_CALL    BIT(2) /* a function is to be run here */
#define WORK_PIRQ    BIT(4) /* devices have interrupted this CPU */
#define WORK_NMI     BIT(5) /* and one of them by an NMI */
#define WORK_UPCALL  BIT(3) /* nothing but to look at the running vCPU's upcall flags once more */

struct tss {
    u32 reserved0;
    u64 rsp0, rsp1, rsp2;
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 iomap_base;
} PACKED;

#define IST_DF  1
#define IST_NMI 2
#define IST_MC  3
#define IST_DB  4

struct cpu {
    struct vcpu *current; /* c: the vCPU whose state is in the registers; NULL while idle */
    u64 syscall_rsp; /* c: entry.asm keeps the guest's stack pointer here for three instructions */
    u64 syscall_rcx; /* c: likewise iret.asm rcx and r11 */
    u64 syscall_r11; /* c */
    u64 work;        /* a: WORK_* */
    u64 cr3;         /* c: what CR3 holds */
    u32 id;          /* r: 0 is the boot CPU */
    u32 apic_id;     /* r */
    u32 lock_level;  /* c: the highest lock level held, see x86/lock.h */
    u32 heartbeat;   /* c, read by all: ticks seen, for the stuck-CPU watch */
    u64 flush_clock; /* c, read by all: value of the flush clock at the last full flush here, see x86/tlb.h */
    u64 stat_cr3_loads;           /* c: for the bench */
    u64 stat_flushes;             /* c: full flushes; single-page flushes in stat_invlpg */
    u64 stat_invlpg;              /* c */
    struct domain_memory *memory; /* c: whose page tables CR3 holds; NULL: the hypervisor's own */
    struct vcpu *fpu_owner;       /* c: whose FPU state the registers hold */
    u64 desc_pages;               /* c: how many guest GDT pages are mapped in the window */
    u64 ldt_pages;                /* c: bitmap of LDT pages mapped in the window */
    u64 timer_due;                /* c: system time at which the timer's next interrupt comes */
    u64 work_since;   /* c: TSC when the timer set the work bits that wait; 0: none waits */
    u64 longest_wait; /* c, read by all: longest time that such work has waited, TSC ticks */
    u8 online;        /* a */
    u8 in_guest_hint; /* c: 1 while idle, so that a halted CPU is not taken for a stuck one */
    struct tss tss ALIGNED(16); /* c */
} ALIGNED(64);

/* This CPU's struct. Valid on every stack of the CPU's block. */
static ALWAYS_INLINE struct cpu *this_cpu(void)
{
    u64 sp;

    asm("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu *)((sp | (CPU_BLOCK_SIZE - 1)) + 1 - sizeof(struct cpu));
}

static inline struct cpu *cpu_of(u32 id)
{
    return (struct cpu *)(STACKS_VA + (id + 1UL) * CPU_BLOCK_SIZE - sizeof(struct cpu));
}

/* The registers of the guest that this CPU interrupted. */
static ALWAYS_INLINE struct regs *guest_regs(void)
{
    return (struct regs *)this_cpu() - 1;
}

extern u32 nr_cpus; /* r: CPUs that are up, ids 0..nr_cpus-1 */

/* Has something come up for which a long operation should stop at its next safe point? */
static ALWAYS_INLINE bool work_pending(void)
{
    return __atomic_load_n(&this_cpu()->work, __ATOMIC_RELAXED) != 0;
}

/* Set work bits of a CPU and, if it is another one, interrupt it so that it looks. */
void cpu_kick(u32 id, u64 work);

#endif
