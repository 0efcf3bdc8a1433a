/*
 * The FPU, switched lazily. Three parties share CR0.TS: the guest's kernel, which sets it by
 * hypercall to learn of the next use; the hypervisor, which sets it while the registers hold
 * nothing of this vCPU's; and the hardware, which raises #NM when it is set.
 *
 * cpu->fpu_owner is the vCPU whose state the registers hold, newer than its copy in memory; only
 * the running vCPU can be it. CR0.TS is clear exactly when fpu_owner is the running vCPU and its
 * own cr0_ts is clear.
 */
#include "domain/fpu.h"

#include "x86/asm.h"
#include "x86/extable.h"

static inline void ts_clear(void)
{
    asm volatile("clts" ::: "memory");
}

static inline void ts_set(void)
{
    write_cr0(read_cr0() | CR0_TS);
}

static void state_save(struct fpu_state *fpu)
{
    asm volatile("fxsave64 %0" : "=m"(*fpu));
}

/*
 * AMD's FXRSTOR leaves the pointers of the last x87 instruction alone when no exception is pending:
 * a load from here makes them ours, so that no guest sees another's. The image may be a guest's own
 * (VCPUOP_initialise); one that faults leaves a clean state.
 */
static void state_restore(struct fpu_state *fpu)
{
    static const u32 nothing;
    bool ok = true;

    asm volatile("fnclex\n\t"
                 "emms\n\t"
                 "fildl %0" ::"m"(nothing));
    asm volatile("1: fxrstor64 %1\n\t"
                 "jmp 3f\n"
                 "2: movb $0, %0\n"
                 "3:\n\t" EXTABLE("1b", "2b")
                 : "+m"(ok)
                 : "m"(*fpu));
    if (unlikely(!ok)) {
        fpu_reset(fpu);
        asm volatile("fxrstor64 %0" ::"m"(*fpu));
    }
}

void fpu_switch_out(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();

    if (cpu->fpu_owner != v)
        return;
    ts_clear();
    state_save(&v->fpu);
    cpu->fpu_owner = NULL;
    ts_set();
}

/*
 * Nobody owns the FPU now, so TS is set already, but for the first vCPU of a CPU that start-up left
 * otherwise.
 */
void fpu_switch_in(struct vcpu *v)
{
    (void)v;
    if (unlikely(!(read_cr0() & CR0_TS)))
        ts_set();
}

/* Only a running vCPU owns an FPU, so there is nothing to give up. */
void fpu_forget(struct vcpu *v)
{
    assert(cpu_of(v->cpu)->fpu_owner != v);
}

void fpu_taskswitch(struct vcpu *v, bool ts)
{
    v->ctx.cr0_ts = ts;
    if (ts)
        ts_set();
    else if (this_cpu()->fpu_owner == v)
        ts_clear();
}

bool fpu_trap(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();

    ts_clear();
    if (cpu->fpu_owner != v) {
        state_restore(&v->fpu);
        cpu->fpu_owner = v;
    }
    if (likely(!v->ctx.cr0_ts))
        return true;
    v->ctx.cr0_ts = 0;
    return false;
}
