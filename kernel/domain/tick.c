/*
 * Work on the way out to a guest: exit_work(), which entry.asm calls while cpu->work or an upcall is pending.
 */
#include "domain/tick.h"
#include "domain/bounce.h"
#include "domain/console.h"
#include "domain/nmi.h"
#include "domain/pirq.h"
#include "domain/reap.h"
#include "domain/sched.h"
#include "domain/time.h"
#include "domain/timer.h"
#include "lib/debug.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/clock.h"
#include "x86/console.h"
#include "x86/upcalls.h"

#define IDLE_TICK_NS         250000000UL /* of an idle CPU: it watches its neighbour */
#define IDLE_CONSOLE_TICK_NS 50000000UL  /* of the boot CPU: it looks for keys */
#define TYPING_NS            1000000000UL /* so long after a key the next is waited for at full speed */

static struct timer ticks[NR_CPUS]; /* c */
static u64 last_key;                /* boot CPU: system time */

/* The keys that have come since. */
static void console_work(u64 now)
{
    int byte;

    while ((byte = console_getc()) >= 0) {
        console_input((u8)byte);
        last_key = now;
    }
    console_tick();
    console_show();
}

/* An idle CPU sleeps longer, but for the one that serves the console while somebody types. */
static u64 next_tick(const struct cpu *c, u64 now)
{
    u64 period = 1000000000UL / tick_hz;

    if (c->current)
        return now + period;
    if (c->id != 0)
        return now + max(period, IDLE_TICK_NS);
    return now +
           (last_key && now - last_key < TYPING_NS ? period : max(period, IDLE_CONSOLE_TICK_NS));
}

static void tick(struct timer *t)
{
    struct cpu *c = this_cpu();
    u64 now = clock_ns();

    watchdog_alive();
    if (c->id == 0) {
        console_work(now);
        pirq_tick();
    }
    reap_some();
    audit_tick();
    if (c->current)
        time_update(c->current);
    timer_set(t, next_tick(c, now));
}

void tick_begin(void)
{
    struct timer *t = &ticks[this_cpu()->id];

    if (t->fire)
        return;
    timer_init(t, tick);
    timer_set(t, clock_ns());
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

void tick_devices(u64 work)
{
    if (work & WORK_PIRQ)
        pirq_deliver();
    if (work & WORK_NMI)
        nmi_pass_on();
}

void exit_work(struct regs *regs)
{
    struct cpu *c = this_cpu();
    u64 work = take_work();

    assert(c->lock_level == 0); /* on the way to a guest */
    if (work & WORK_CALL)
        world_join();
    while (work & WORK_TIMER) {
        timers_run();
        u64 more = take_work(); /* a slice may be over, or anything else have come meanwhile */
        if (more & WORK_CALL)
            world_join();
        work = (work & ~WORK_TIMER) | more;
    }
    if (unlikely(work & (WORK_PIRQ | WORK_NMI)))
        tick_devices(work);
    if ((work & WORK_RESCHED) || c->current->domain->dying)
        schedule(regs);

    struct vcpu *v = c->current;
    if (unlikely(v->nmi_pending) && !v->domain->dying)
        nmi_deliver(v, regs);
    if (v->ctx.info->evtchn_upcall_pending && !v->ctx.info->evtchn_upcall_mask && !v->domain->dying)
        deliver_upcall(v, regs);
}
