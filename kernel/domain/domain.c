/*
 * Making, finding and ending domains: see domain.h.
 *
 * A domain ends in two steps. The first is quick and done where the end is seen: it is marked, its vCPUs leave their CPUs. The
 * second, giving everything back, is reap.c's. When the last domain is gone the machine ends as `end=` on the command line says.
 */
#include "domain/domain.h"
#include "abi/sched.h"
#include "abi/xen.h"
#include "domain/console.h"
#include "domain/control.h"
#include "domain/descriptor.h"
#include "domain/end.h"
#include "domain/event.h"
#include "domain/reap.h"
#include "domain/sched.h"
#include "domain/time.h"
#include "domain/vcpu_timer.h"
#include "domain/watchdog.h"
#include "lib/debug.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "mm/alloc.h"
#include "x86/clock.h"

static struct spinlock list_lock = SPINLOCK_INIT(LOCK_DOMLIST);
static struct domain *domains; /* DOMLIST */
static u16 next_id = 1;        /* DOMLIST; 0 is the initial domain's */
static u32 alive;              /* DOMLIST */
static u32 toolstacks;         /* a: privileged domains that have not ended */

static_assert(sizeof(struct vcpu) <= PAGE_SIZE, "a vCPU is one page");
static_assert(sizeof(struct domain) <= PAGE_SIZE, "a domain is one page");

struct domain *domain_find(u16 domid)
{
    spin_lock(&list_lock);
    struct domain *d = domains;
    while (d && d->id != domid)
        d = d->next;
    spin_unlock(&list_lock);
    return d;
}

bool domain_id_free(u16 domid)
{
    return domid >= __atomic_load_n(&next_id, __ATOMIC_RELAXED) && domid < DOMID_FIRST_RESERVED;
}

u32 domain_toolstacks(void)
{
    return __atomic_load_n(&toolstacks, __ATOMIC_SEQ_CST);
}

/* A domain without its first vCPU was refused while it was being made, or still is. */
struct domain *domain_hold(u16 domid)
{
    struct domain_memory *m = memory_find(domid);

    if (!m)
        return NULL;
    struct domain *d = container_of(m, struct domain, mem);
    if (d->vcpus[0])
        return d;
    memory_let_go(m);
    return NULL;
}

void domain_let_go(struct domain *d)
{
    memory_let_go(&d->mem);
}

struct domain *domain_hold_next(struct domain *d)
{
    spin_lock(&list_lock);
    struct domain *next = d ? d->next : domains; /* d is held, and so still in the list */
    while (next && !domain_hold(next->id))
        next = next->next;
    spin_unlock(&list_lock);
    if (d)
        domain_let_go(d);
    return next;
}

struct domain *domain_hold_first(bool (*is_it)(struct domain *d))
{
    spin_lock(&list_lock);
    struct domain *d = domains;
    while (d && !(is_it(d) && domain_hold(d->id)))
        d = d->next;
    spin_unlock(&list_lock);
    return d;
}

/* Those in the last step of their end can't be held any more. */
struct domain *domain_hold_from(u16 domid)
{
    struct domain *best;
    u32 from = domid;

    spin_lock(&list_lock);
    do {
        best = NULL;
        for (struct domain *d = domains; d; d = d->next)
            if (d->id >= from && (!best || d->id < best->id))
                best = d;
        from = best ? best->id + 1U : 0;
    } while (best && !domain_hold(best->id));
    spin_unlock(&list_lock);
    return best;
}

struct domain *domain_next(struct domain *d)
{
    return d ? d->next : domains;
}

/* A zeroed page of the hypervisor's own, or NULL. */
static void *new_page(void)
{
    mfn_t mfn = alloc_koan_page();

    return mfn.n == INVALID_MFN.n ? NULL : mfn_to_virt(mfn);
}

static void free_page(void *page)
{
    if (page)
        alloc_free_koan_page(virt_to_mfn(page));
}

struct vcpu *vcpu_create(struct domain *d, u32 id)
{
    struct vcpu *v = new_page();
    struct guest_trap *traps = new_page();

    if (!v || !traps) {
        free_page(v);
        free_page(traps);
        return NULL;
    }
    v->ctx.traps = traps;
    v->ctx.info = &d->shared->vcpu_info[id];
    v->ctx.info->evtchn_upcall_mask = 1;
    v->ctx.in_kernel = MODE_KERNEL;
    v->ctx.debugreg[6] = 0xffff0ff0;
    v->ctx.debugreg[7] = 0x400;
    v->domain = d;
    v->id = id;
    for (u32 i = 0; i < ARRAY_SIZE(v->ctx.gdt_frames); i++)
        v->ctx.gdt_frames[i] = INVALID_MFN;
    for (u32 i = 0; i < ARRAY_SIZE(v->ctx.ldt_frames); i++)
        v->ctx.ldt_frames[i] = INVALID_MFN;
    v->info_mfn = INVALID_MFN;
    v->runstate = RUNSTATE_offline;
    v->runstate_since = clock_ns();
    sched_init_vcpu(v);
    vcpu_timers_init(v);
    fpu_reset(&v->fpu);
    d->vcpus[id] = v;
    return v;
}

/* Ids count up; a toolstack may leave some out. False: they are used up. */
static bool take_id(struct domain *d, const struct domain_config *config)
{
    u16 id = config->initial ? 0 : max(config->domid, next_id);

    if (id >= DOMID_FIRST_RESERVED)
        return false;
    d->id = id;
    if (!config->initial)
        next_id = id + 1;
    return true;
}

static bool link_domain(struct domain *d, const struct domain_config *config)
{
    spin_lock(&list_lock);
    if (!take_id(d, config)) {
        spin_unlock(&list_lock);
        return false;
    }
    struct domain **link = &domains;
    while (*link)
        link = &(*link)->next;
    *link = d;
    alive++;
    spin_unlock(&list_lock);
    if (d->privileged)
        __atomic_fetch_add(&toolstacks, 1, __ATOMIC_SEQ_CST);
    return true;
}

struct domain *domain_create(const struct domain_config *config)
{
    struct domain *d = new_page();

    if (!d)
        return NULL;
    strlcpy(d->name, config->name, sizeof(d->name));
    d->privileged = config->privileged;
    d->console_ok = config->console_ok;
    d->max_vcpus = config->vcpus;
    d->pirq_page = INVALID_MFN;
    sched_init_domain(d);
    d->built = config->built;
    watchdog_init(d);
    console_ring_init(d);
    if (!link_domain(d, config)) {
        free_page(d);
        return NULL;
    }
    if (d->built)
        koan_snprintf(d->name, sizeof(d->name), "domain-%u", d->id);
    trace_event(TRACE_DOMAIN, d->id, END_NONE);
    bool events = event_init(d);
    if (!memory_init(&d->mem, d->id, config->privileged, config->pages) || !events)
        goto fail;
    d->shared_mfn = memory_alloc_shared(&d->mem);
    if (d->shared_mfn.n == INVALID_MFN.n)
        goto fail;
    d->shared = mfn_to_virt(d->shared_mfn);
    for (u32 i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        d->shared->vcpu_info[i].evtchn_upcall_mask = 1;
    time_set_wallclock(d);
    console_attach(d);
    for (u32 i = 0; i < d->max_vcpus; i++)
        if (!vcpu_create(d, i))
            goto fail;
    if (d->built)
        control_pause(d);
    return d;
fail:
    domain_end(d, END_REFUSED);
    return NULL;
}

/* Mark the end; false if it had ended before. All its CPUs look at once. */
static bool mark_end(struct domain *d, enum domain_end end)
{
    spin_lock(&d->mem.lock);
    bool first = !d->dying;
    if (first) {
        d->dying = true;
        d->mem.dying = true;
        d->end = end;
    }
    spin_unlock(&d->mem.lock);
    if (first && d->privileged)
        __atomic_fetch_sub(&toolstacks, 1, __ATOMIC_SEQ_CST);
    return first;
}

NOINLINE void domain_end(struct domain *d, enum domain_end end)
{
    if (control_keep(d, end))
        return;
    domain_end_now(d, end);
}

void domain_end_now(struct domain *d, enum domain_end end)
{
    if (!mark_end(d, end))
        return;
    trace_event(TRACE_DOMAIN, d->id, end);
    for (u32 i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            sched_kick(d->vcpus[i]);
    cpu_kick(this_cpu()->id, WORK_RESCHED);
    reap_add(d);
    if (d->privileged)
        control_orphans();
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    char why[256];
    va_list args;

    if (d->dying || d->shut_down)
        return;
    va_start(args, fmt);
    koan_vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    console_flush(d);
    printk("%s crashed: %s\n", d->name, why);
    if (this_cpu()->current && current_domain() == d)
        debug_guest_crash(current_vcpu(), guest_regs());
    d->end_reason = SHUTDOWN_crash;
    domain_end(d, END_CRASH);
}

void domain_shutdown(struct domain *d, u32 reason)
{
    static const char *const names[] = { "powered off", "asked for a reboot", "suspended",
                                         "said that it crashed", "was ended by its watchdog" };

    if (d->dying || d->shut_down)
        return;
    console_flush(d);
    if (d->noted_reason)
        reason = d->noted_reason - 1;
    d->end_reason = reason;
    if (reason < ARRAY_SIZE(names))
        printk("%s %s\n", d->name, names[reason]);
    else
        printk("%s shut down, reason %u\n", d->name, reason);
    if (reason == SHUTDOWN_crash) {
        if (this_cpu()->current && current_domain() == d)
            debug_guest_crash(current_vcpu(), guest_regs());
        domain_end(d, END_CRASH);
    } else {
        domain_end(d, reason == SHUTDOWN_reboot ? END_REBOOT : END_POWEROFF);
    }
}

/* The last step: nothing of the domain is left but its own pages. */
void domain_free(struct domain *d)
{
    enum domain_end end = d->end;

    assert(d->dying && !d->mem.page_list);
    if (end != END_REFUSED) { /* it never ran, and its refusal has been told */
        printk("%s is gone, its memory free\n", d->name);
        audit_after_domain(d);
    }
    spin_lock(&list_lock);
    struct domain **link = &domains;
    while (*link != d)
        link = &(*link)->next;
    *link = d->next;
    bool last = --alive == 0;
    spin_unlock(&list_lock);
    for (u32 i = 0; i < d->max_vcpus; i++) {
        if (!d->vcpus[i])
            continue;
        free_page(d->vcpus[i]->ctx.traps);
        free_page(d->vcpus[i]);
    }
    if (d->symbols)
        image_symbols_drop(d->symbols);
    if (end != END_REFUSED || !d->built)
        end_note(end);
    if (d->built)
        event_virq_initial(VIRQ_DOM_EXC);
    free_page(d->memory_map);
    free_page(d);
    if (last)
        end_machine();
}
