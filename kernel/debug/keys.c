/*
 * The hypervisor's own keys, while it has the console's focus: each prints a report (keys[] below is the list).
 *
 * A report runs in tick work on the boot CPU, with no lock held, and stops the world where it walks lists of domains.
 */
#include "debug/report.h"
#include "debug/say.h"
#include "debug/symbols.h"
#include "debug/trace.h"
#include "debug/world.h"
#include "domain/sched.h"
#include "lib/debug.h"
#include "mm/alloc.h"
#include "x86/clock.h"
#include "x86/power.h"

#define TRACE_LINES 40

static const char *state_name(const struct vcpu *v)
{
    static const char *const names[] = {
        [VCPU_RUNNABLE] = "runnable", [VCPU_RUNNING] = "running", [VCPU_GONE] = "gone"
    };

    if (v->state == VCPU_ASLEEP)
        return v->waits & WAIT_DOWN     ? "down"
               : v->waits & WAIT_PAUSED ? "paused"
               : v->poll_port           ? "polling"
                                        : "blocked";
    return v->state < ARRAY_SIZE(names) ? names[v->state] : "?";
}

/* Where a vCPU's registers are now: on its CPU's stack while it runs (its own CPU is stopped, or is this one). */
static const struct regs *vcpu_regs(const struct vcpu *v)
{
    struct cpu *cpu = cpu_of(v->cpu);

    return cpu->current == v ? (const struct regs *)cpu - 1 : &v->ctx.regs;
}

static void print_vcpu(const struct vcpu *v)
{
    say("  vCPU %u on CPU %u: %s, in guest %s mode, kernel L4 %012lx, user L4 %012lx\n", v->id,
        v->cpu, state_name(v), v->ctx.in_kernel ? "kernel" : "user", v->ctx.cr3_kernel,
        v->ctx.cr3_user);
    report_regs(vcpu_regs(v));
}

static void print_domain(const struct domain *d)
{
    say("domain %u %s: %s%s, %lu of %lu pages, %u vCPUs\n", d->id, d->name,
        d->privileged ? "privileged" : "unprivileged", d->dying ? ", dying" : "", d->mem.pages,
        d->mem.max_pages, d->max_vcpus);
}

static void key_domains(void)
{
    if (!world_stop())
        return;
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        print_domain(d);
        for (u32 i = 0; i < d->max_vcpus; i++)
            if (d->vcpus[i])
                print_vcpu(d->vcpus[i]);
    }
    world_go();
}

static void key_cpus(void)
{
    if (!world_stop())
        return;
    for (u32 i = 0; i < nr_cpus; i++) {
        const struct cpu *cpu = cpu_of(i);

        report_where(cpu);
        say("  CR3 %012lx, heartbeat %u, CR3 loads %lu, full flushes %lu, page flushes %lu\n",
            cpu->cr3, cpu->heartbeat, cpu->stat_cr3_loads, cpu->stat_flushes, cpu->stat_invlpg);
        for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
            for (u32 id = 0; id < d->max_vcpus; id++)
                if (d->vcpus[id] && d->vcpus[id]->cpu == i)
                    say("  %s vCPU %u: %s\n", d->name, id, state_name(d->vcpus[id]));
    }
    world_go();
}

/* Counted in the frame table itself, so that it shows what is, not what a counter says. */
static void key_memory(void)
{
    u64 free = 0, dirty = 0, koan = 0, guests = 0, holes = 0;

    for (u64 n = 0; n < max_mfn; n++) {
        const struct frame *f = mfn_to_frame(MFN(n));

        free += f->owner == OWNER_FREE;
        dirty += f->owner == OWNER_FREE && (f->flags & FRAME_DIRTY);
        koan += f->owner == OWNER_KOAN;
        holes += f->owner == OWNER_NONE;
        guests += f->owner < OWNER_NONE;
    }
    say("%lu frames: %lu of guests, %lu free (%lu to be scrubbed), %lu of the hypervisor, %lu no RAM\n",
        max_mfn, guests, free, dirty, koan, holes);
    if (!world_stop())
        return;
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        print_domain(d);
    world_go();
}

static void key_audit(void)
{
    audit_all();
}

static void key_trace(void)
{
    trace_print(TRACE_LINES);
}

static void key_quit(void)
{
    say("the machine is ended by a key\n");
    machine_end(END_CODE_CLEAN);
}

static void key_panic(void)
{
    panic("asked for by a key");
}

static void key_help(void);

static const struct key {
    u8 key;
    void (*run)(void);
    const char *help;
} keys[] = {
    { 'h', key_help, "this list" },
    { 'd', key_domains, "domains and their vCPUs, with registers" },
    { 'r', key_cpus, "CPUs, and which vCPUs they run" },
    { 'm', key_memory, "memory: whose the frames are" },
    { 'a', key_audit, "audit: recount the frame table" },
    { 't', key_trace, "trace: what was refused last, and where" },
    { 'P', key_panic, "panic, to see what it shows" },
    { 'q', key_quit, "end the machine" },
};

static void key_help(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
        say("  %c  %s\n", keys[i].key, keys[i].help);
}

void debug_key(u8 key)
{
    for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].key == key) {
            say("key %c: %s\n", key, keys[i].help);
            keys[i].run();
            return;
        }
    }
    if (key > ' ' && key < 0x7f)
        say("key %c does nothing; h lists those that do\n", key);
}
