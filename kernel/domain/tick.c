/*
 * Work on the way out to a guest: exit_work(), which entry.asm calls while cpu->work or an upcall is pending.
 */
#include "domain/tick.h"
#include "domain/bounce.h"
#include "domain/console.h"
#include "domain/reap.h"
#include "domain/sched.h"
#include "domain/time.h"
#include "lib/debug.h"
#include "x86/asm.h"
#include "x86/console.h"
#include "x86/upcalls.h"

void tick_work(void)
{
    struct cpu *c = this_cpu();
    int byte;

    watchdog_alive();
    if (c->id == 0) {
        while ((byte = console_getc()) >= 0)
            console_input((u8)byte);
        console_tick();
        console_show();
    }
    reap_some();
    audit_tick();
    if (c->current)
        time_update(c->current);
}

/* The event callback always masks further upcalls: the guest unmasks them when it has looked. */
static void deliver_upcall(struct vcpu *v, struct regs *regs)
{
    struct guest_callback callback = v->ctx.event;

    callback.mask = true;
    bounce_callback(v, regs, &callback, "event upcall");
}

u64 take_work(void)
{
    struct cpu *c = this_cpu();
    u64 work = __atomic_exchange_n(&c->work, 0, __ATOMIC_SEQ_CST);
    u64 since = c->work_since;

    if (since) {
        c->work_since = 0;
        c->longest_wait = max(c->longest_wait, rdtsc() - since);
    }
    return work;
}

void exit_work(struct regs *regs)
{
    struct cpu *c = this_cpu();
    u64 work = take_work();

    assert(c->lock_level == 0); /* on the way to a guest */
    if (work & WORK_CALL)
        world_join();
    if (work & WORK_TICK)
        tick_work();
    if (work || c->current->domain->dying)
        schedule(regs);

    struct vcpu *v = c->current;
    if (v->ctx.info->evtchn_upcall_pending && !v->ctx.info->evtchn_upcall_mask && !v->domain->dying)
        deliver_upcall(v, regs);
}
