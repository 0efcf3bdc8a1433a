/*
 * Context switch: see context.h. The order matters in two places: the old vCPU's CPU bit is cleared only after CR3 has moved on, and
 * segment selectors are loaded after the descriptor tables that they name.
 */
#include "domain/context.h"
#include "domain/descriptor.h"
#include "domain/fpu.h"
#include "domain/time.h"
#include "lib/trace.h"
#include "x86/extable.h"
#include "x86/asm.h"

u64 idle_cr3;

/* Load a data selector of the guest's; one that its tables no longer allow becomes null, as after a return
 * to less privilege (SDM vol. 3, 6.12.1). */
#define LOAD_SELECTOR(reg, value)                                                                  \
    ({                                                                                             \
        bool ok = true;                                                                            \
        asm volatile("1: mov %1, %%" #reg "\n\t"                                                   \
                     "jmp 3f\n"                                                                    \
                     "2: xor %%eax, %%eax\n\t"                                                     \
                     "mov %%eax, %%" #reg "\n\t"                                                   \
                     "movb $0, %0\n"                                                               \
                     "3:\n\t" EXTABLE("1b", "2b")                                                  \
                     : "+m"(ok)                                                                    \
                     : "r"((u32)(value))                                                           \
                     : "rax");                                                                     \
        ok;                                                                                        \
    })

static void load_debug_registers(const struct vcpu_context *c)
{
    asm volatile("mov %0, %%dr7" ::"r"(0x400UL));
    if (likely(!(c->debugreg[7] & 0xff)))
        return;
    asm volatile("mov %0, %%dr0" ::"r"(c->debugreg[0]));
    asm volatile("mov %0, %%dr1" ::"r"(c->debugreg[1]));
    asm volatile("mov %0, %%dr2" ::"r"(c->debugreg[2]));
    asm volatile("mov %0, %%dr3" ::"r"(c->debugreg[3]));
    asm volatile("mov %0, %%dr6" ::"r"(c->debugreg[6]));
    asm volatile("mov %0, %%dr7" ::"r"(c->debugreg[7]));
}

/* LAB 3.1a: Save all that a guest has in the CPU, and load that of another. */
void context_save(struct vcpu *v, const struct regs *regs)
{
    struct vcpu_context *c = &v->ctx;

    assert(this_cpu()->current == v && regs == guest_regs() && regs_from_guest(regs));
    c->regs = *regs;
    asm volatile("mov %%ds, %0" : "=r"(c->ds));
    asm volatile("mov %%es, %0" : "=r"(c->es));
    asm volatile("mov %%fs, %0" : "=r"(c->fs));
    asm volatile("mov %%gs, %0" : "=r"(c->gs));
    c->fs_base = rdmsr(MSR_FS_BASE);
    u64 active = rdmsr(MSR_GS_BASE);
    u64 other = rdmsr(MSR_KERNEL_GS_BASE);
    c->gs_base_kernel = c->in_kernel ? active : other;
    c->gs_base_user = c->in_kernel ? other : active;
    fpu_switch_out(v);
    if (unlikely(v->runstate_va != 0))
        runstate_publish(v);
}

/* Selectors that are null on both sides, as they are in nearly every 64-bit guest, need no load: that also keeps the bases. */
static void load_segments(struct vcpu_context *c)
{
    u16 ds, es, fs, gs;

    asm volatile("mov %%ds, %0" : "=r"(ds));
    asm volatile("mov %%es, %0" : "=r"(es));
    asm volatile("mov %%fs, %0" : "=r"(fs));
    asm volatile("mov %%gs, %0" : "=r"(gs));
    if (ds | c->ds)
        LOAD_SELECTOR(ds, c->ds);
    if (es | c->es)
        LOAD_SELECTOR(es, c->es);
    if (fs | c->fs)
        LOAD_SELECTOR(fs, c->fs);
    if (gs | c->gs)
        LOAD_SELECTOR(gs, c->gs);
    wrmsr(MSR_FS_BASE, c->fs_base);
    wrmsr(MSR_GS_BASE, c->in_kernel ? c->gs_base_kernel : c->gs_base_user);
    wrmsr(MSR_KERNEL_GS_BASE, c->in_kernel ? c->gs_base_user : c->gs_base_kernel);
}

/* Change the page tables; `m` (NULL: idle) is marked as using this CPU before, and the former user unmarked after. */
static void switch_page_tables(struct domain_memory *m, u64 cr3)
{
    struct cpu *cpu = this_cpu();
    struct domain_memory *old = cpu->memory;

    if (m)
        cpumask_set(&m->cpus, cpu->id);
    cpu->memory = m;
    tlb_load_cr3(cr3);
    if (old && old != m)
        cpumask_clear(&old->cpus, cpu->id);
}

void context_load(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();
    struct vcpu_context *c = &v->ctx;

    assert(v->state == VCPU_RUNNING && (c->in_kernel ? c->cr3_kernel : c->cr3_user));
    trace_event(TRACE_SWITCH, v->domain->id, v->id);
    cpu->current = v;
    switch_page_tables(&v->domain->mem, c->in_kernel ? c->cr3_kernel : c->cr3_user);
    descriptor_load(v);
    load_segments(c);
    load_debug_registers(c);
    fpu_switch_in(v);
    *guest_regs() = c->regs;
    time_update(v);
    if (unlikely(v->runstate_va != 0))
        runstate_publish(v);
    if (unlikely(__atomic_load_n(&v->nmi_pending, __ATOMIC_RELAXED)))
        cpu_kick(cpu->id, WORK_UPCALL);
}

void context_idle(void)
{
    this_cpu()->current = NULL;
    trace_event(TRACE_SWITCH, 0xffff, 0);
    switch_page_tables(NULL, idle_cr3);
}
/* END LAB 3.1a */
