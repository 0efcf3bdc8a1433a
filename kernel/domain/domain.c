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
#include "lib/bitmap.h"
#include "lib/debug.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "mm/alloc.h"
#include "mm/owner.h"
#include "x86/clock.h"

static struct spinlock list_lock = SPINLOCK_INIT(LOCK_DOMLIST);
static struct domain *domains;                      /* DOMLIST */
static struct domain **domains_end = &domains;      /* DOMLIST: where the next one is linked */
static u64 ids[BITMAP_WORDS(DOMID_FIRST_RESERVED)]; /* DOMLIST: those in use */
static u16 next_id = 1; /* DOMLIST: where the search for an id begins; 0 is the initial domain's */
static u64 made;        /* DOMLIST: domains ever */
static u32 alive;       /* DOMLIST */
static u32 toolstacks;  /* a: privileged domains that have not ended */

static_assert(sizeof(struct vcpu) <= PAGE_SIZE, "a vCPU is one page");
static_assert(sizeof(struct domain) <= PAGE_SIZE, "a domain is one page");

static bool id_free(u32 domid)
{
    return domid < DOMID_FIRST_RESERVED && !bitmap_test(ids, domid) && !owner_in_limbo((u16)domid);
}

bool domain_id_free(u16 domid)
{
    spin_lock(&list_lock);
    bool free = id_free(domid);
    spin_unlock(&list_lock);
    return free;
}

bool domain_id_in_use(u16 domid)
{
    spin_lock(&list_lock);
    bool used = bitmap_test(ids, domid);
    spin_unlock(&list_lock);
    return used;
}

u32 domain_count(void)
{
    return __atomic_load_n(&alive, __ATOMIC_RELAXED);
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

void domain_show(struct domain *d)
{
    assert(d->mem.hidden);
    __atomic_store_n(&d->mem.hidden, false, __ATOMIC_SEQ_CST);
}

struct domain *domain_hold_next(struct domain *d)
{
    struct domain *next = domain_hold_from(d->id + 1);

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
    struct domain *d = NULL;

    spin_lock(&list_lock);
    for (size_t id = domid; !d; id++) {
        id = bitmap_next_set(ids, DOMID_FIRST_RESERVED, id);
        if (id >= DOMID_FIRST_RESERVED)
            break;
        d = domain_hold((u16)id);
    }
    spin_unlock(&list_lock);
    return d;
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

/* The next one in a circle, so that an id comes again as late as can be: guests may still have it in grants and in ports that wait for it. 0 belongs to the
 * initial domain. DOMID_FIRST_RESERVED: none is free. */
static u32 next_free_id(void)
{
    u32 id = next_id;

    for (u32 looked = 0; looked < DOMID_FIRST_RESERVED; looked++, id++) {
        if (id == DOMID_FIRST_RESERVED)
            id = 1;
        if (id_free(id))
            return id;
    }
    return DOMID_FIRST_RESERVED;
}

/* A toolstack may ask for an id; that doesn't change which comes next. */
static bool take_id(struct domain *d, const struct domain_config *config)
{
    bool any = !config->initial && !config->domid;
    u32 id = any ? next_free_id() : config->domid;

    if (!id_free(id))
        return false;
    bitmap_set(ids, id);
    d->id = (u16)id;
    d->serial = ++made;
    if (any)
        next_id = (u16)(id + 1);
    return true;
}

static bool link_domain(struct domain *d, const struct domain_config *config)
{
    spin_lock(&list_lock);
    if (!take_id(d, config)) {
        spin_unlock(&list_lock);
        return false;
    }
    d->link = domains_end;
    *domains_end = d;
    domains_end = &d->next;
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
    d->mem.hidden = config->built; /* other domains run meanwhile */
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
    *d->link = d->next;
    *(d->next ? &d->next->link : &domains_end) = d->link;
    bitmap_clear(ids, d->id);
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
