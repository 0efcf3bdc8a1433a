/*
 * Physical interrupts: see pirq.h.
 *
 * Who binds holds the event lock when the line's lock is taken; who delivers reads the line first, lets go, and then looks whether the port is
 * still that line's. So the order is the same, and a port that is closed meanwhile gets nothing.
 */
#include "domain/pirq.h"
#include "abi/errno.h"
#include "domain/event.h"
#include "domain/event_port.h"
#include "lib/trace.h"
#include "x86/io_apic.h"

#define FIRST_FREE_PIRQ 16   /* numbers below are those of ISA interrupts */
#define EDGES_A_TICK    1000 /* of one line; a network card at its worst makes a tenth of that */

/* Under the lock, but for r. */
struct line {
    u32 gsi;         /* r */
    bool exists;     /* r */
    bool reserved;   /* r: to be given to nobody */
    bool level, low; /* how it is triggered */
    bool set_up;     /* somebody has said so */
    bool mapped;     /* to `owner`, as its `pirq` */
    bool waits;      /* a level, masked until the guest has ended it */
    bool stopped;    /* too many edges: masked until the next tick */
    u8 slot;         /* of its vector, plus 1; 0: none */
    u16 owner, pirq;
    u32 port;  /* 0: not bound */
    u32 cpu;   /* that is interrupted */
    u32 edges; /* since the last tick */
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_PIRQ);
static struct line lines[PIRQS];
static struct line *slots[DEVICE_VECTORS]; /* under the lock: whose vector it is */
static u32 bound;                          /* under the lock, read by the tick */

void pirq_init(const struct acpi_info *acpi)
{
    for (u32 irq = 0; irq < PIRQS; irq++) {
        struct line *l = &lines[irq];

        l->gsi = irq;
        l->level = l->low = irq >= ISA_IRQS; /* as PCI has it */
        if (irq < ISA_IRQS) {
            l->gsi = acpi->isa_irqs[irq].gsi;
            l->level = acpi->isa_irqs[irq].level;
            l->low = acpi->isa_irqs[irq].active_low;
        }
        l->exists = io_apic_has(l->gsi);
        l->reserved = irq == 0 || irq == 2;
    }
    for (u32 irq = 0; irq < ISA_IRQS; irq++)
        if (lines[irq].gsi >= ISA_IRQS && lines[irq].gsi < PIRQS)
            lines[lines[irq].gsi].exists = false; /* it is that ISA interrupt's */
}

static struct line *line_of(const struct domain *d, u32 pirq)
{
    for (u32 i = 0; i < PIRQS; i++)
        if (lines[i].mapped && lines[i].owner == d->id && lines[i].pirq == pirq)
            return &lines[i];
    return NULL;
}

/* ---- mapping ---- */

static s64 choose_pirq(const struct domain *d, s32 *pirq)
{
    for (u32 i = FIRST_FREE_PIRQ; *pirq < 0 && i < PIRQS; i++)
        if (!line_of(d, i))
            *pirq = (s32)i;
    if (*pirq < 0)
        return refuse(-XEN_ENOSPC, d->id);
    if (*pirq >= PIRQS)
        return refuse(-XEN_EINVAL, *pirq);
    return line_of(d, (u32)*pirq) ? refuse(-XEN_EEXIST, *pirq) : 0;
}

static s64 map(struct domain *d, struct line *l, s32 *pirq)
{
    if (l->mapped) {
        if (l->owner != d->id)
            return refuse(-XEN_EBUSY, l->owner);
        if (*pirq >= 0 && *pirq != l->pirq)
            return refuse(-XEN_EEXIST, l->pirq);
        *pirq = l->pirq;
        return 0;
    }
    s64 error = choose_pirq(d, pirq);
    if (error)
        return error;
    l->mapped = true;
    l->owner = d->id;
    l->pirq = (u16)*pirq;
    return 0;
}

s64 pirq_map(struct domain *d, u32 irq, s32 *pirq)
{
    if (irq >= PIRQS || !lines[irq].exists)
        return refuse(-XEN_EINVAL, irq);
    if (lines[irq].reserved)
        return refuse(-XEN_EPERM, irq);
    spin_lock(&lock);
    s64 error = map(d, &lines[irq], pirq);
    spin_unlock(&lock);
    return error;
}

/* No interrupt comes any more; the vector is free for another line. One that is under way finds no port. */
static void disconnect(struct line *l)
{
    if (!l->port)
        return;
    io_apic_mask(l->gsi, true);
    slots[l->slot - 1] = NULL;
    l->slot = 0;
    l->port = 0;
    l->waits = l->stopped = false;
    bound--;
}

s64 pirq_unmap(struct domain *d, u32 pirq)
{
    spin_lock(&lock);
    struct line *l = line_of(d, pirq);
    if (l) {
        disconnect(l);
        l->mapped = false;
    }
    spin_unlock(&lock);
    return l ? 0 : refuse(-XEN_EINVAL, pirq);
}

void pirq_release(struct domain *d)
{
    if (!d->privileged)
        return;
    spin_lock(&lock);
    for (u32 i = 0; i < PIRQS; i++) {
        struct line *l = &lines[i];

        if (!l->mapped || l->owner != d->id)
            continue;
        disconnect(l);
        l->mapped = l->set_up = false;
    }
    spin_unlock(&lock);
}

s64 pirq_set_up(u32 irq, bool level, bool active_low)
{
    if (irq >= PIRQS || !lines[irq].exists)
        return refuse(-XEN_EINVAL, irq);
    struct line *l = &lines[irq];
    spin_lock(&lock);
    s64 error = l->set_up || l->port ? refuse(-XEN_EEXIST, irq) : 0;
    if (!error) {
        l->set_up = true;
        l->level = level;
        l->low = active_low;
    }
    spin_unlock(&lock);
    return error;
}

/* ---- as older kernels do it ---- */

#define ENTRY_VECTOR 0xff /* what the guest writes there is the number that it wants to use */
#define ENTRY_LOW    BIT(13)
#define ENTRY_LEVEL  BIT(15)
#define ENTRY_MASKED BIT(16)
#define FIRST_ENTRY  0x10

static struct line *line_of_gsi(u32 gsi)
{
    for (u32 i = 0; i < PIRQS; i++)
        if (lines[i].exists && lines[i].gsi == gsi)
            return &lines[i];
    return NULL;
}

/* A masked entry only says how the line is wired. What is in use stays as it is. */
static s64 write_entry(struct domain *d, struct line *l, u32 value)
{
    s32 pirq = value & ENTRY_VECTOR;

    if (l->port || l->reserved)
        return 0;
    s64 error = value & ENTRY_MASKED ? 0 : map(d, l, &pirq);
    if (error)
        return error;
    l->level = value & ENTRY_LEVEL;
    l->low = value & ENTRY_LOW;
    return 0;
}

/* The upper halves say which CPU, and the registers before the entries nothing that a guest could want: nothing happens. */
s64 pirq_apic_write(struct domain *d, u64 address, u32 reg, u32 value)
{
    u32 ignored;

    spin_lock(&lock);
    s64 error = io_apic_read(address, 0, &ignored) ? 0 : refuse(-XEN_EINVAL, address);
    if (!error && reg >= FIRST_ENTRY && reg % 2 == 0) {
        s64 gsi = io_apic_gsi(address, reg);
        struct line *l = gsi < 0 ? NULL : line_of_gsi((u32)gsi);
        error = l ? write_entry(d, l, value) : refuse(-XEN_EINVAL, reg);
    }
    spin_unlock(&lock);
    return error;
}

s64 pirq_apic_read(u64 address, u32 reg, u32 *value)
{
    spin_lock(&lock);
    bool there = io_apic_read(address, reg, value);
    spin_unlock(&lock);
    return there ? 0 : refuse(-XEN_EINVAL, address);
}

/* ---- binding ---- */

/* An I/O APIC has room for an id of eight bits; the boot CPU's always fits. */
static u32 reachable(u32 cpu)
{
    return cpu_of(cpu)->apic_id < 255 ? cpu : 0;
}

static void route(const struct line *l)
{
    struct io_apic_route r = { .vector = DEVICE_VECTOR_FIRST + l->slot - 1,
                               .level = l->level,
                               .active_low = l->low,
                               .masked = l->waits || l->stopped,
                               .cpu = l->cpu };

    io_apic_set(l->gsi, &r);
}

static s64 take_slot(struct line *l)
{
    for (u32 i = 0; i < DEVICE_VECTORS; i++) {
        if (slots[i])
            continue;
        slots[i] = l;
        l->slot = i + 1;
        return 0;
    }
    return refuse(-XEN_ENOSPC, l->gsi);
}

static void show_end(const struct domain *d, const struct line *l)
{
    if (d->pirq_page.n == INVALID_MFN.n)
        return;
    if (l->level)
        bitmap_set_atomic(mfn_to_virt(d->pirq_page), l->pirq);
    else
        bitmap_clear_atomic(mfn_to_virt(d->pirq_page), l->pirq);
}

static s64 bind(struct domain *d, u32 pirq, u32 port)
{
    struct line *l = line_of(d, pirq);

    if (!l)
        return refuse(-XEN_EPERM, pirq);
    if (l->port)
        return refuse(-XEN_EEXIST, pirq);
    s64 error = take_slot(l);
    if (error)
        return error;
    l->port = port;
    l->edges = 0;
    l->cpu = reachable(d->vcpus[0]->cpu);
    bound++;
    show_end(d, l);
    route(l);
    return 0;
}

s64 pirq_bind(struct domain *d, u32 pirq, u32 port)
{
    if (pirq >= PIRQS)
        return refuse(-XEN_EINVAL, pirq);
    spin_lock(&lock);
    s64 error = bind(d, pirq, port);
    spin_unlock(&lock);
    return error;
}

void pirq_unbind(struct domain *d, u32 pirq, u32 port)
{
    spin_lock(&lock);
    struct line *l = line_of(d, pirq);
    if (l && l->port ==
                 port) /* else it has been unmapped, and perhaps another line has the number now */
        disconnect(l);
    spin_unlock(&lock);
}

s64 pirq_end(struct domain *d, u32 pirq)
{
    u32 port = 0;

    spin_lock(&lock);
    struct line *l = line_of(d, pirq);
    if (l && l->waits) {
        l->waits = false;
        io_apic_mask(l->gsi, false);
    }
    if (l)
        port = l->port;
    spin_unlock(&lock);
    if (!l)
        return refuse(-XEN_EINVAL, pirq);
    return d->pirq_unmask && port ? event_unmask(d, port) : 0;
}

void pirq_tell_ends(struct domain *d, mfn_t page)
{
    spin_lock(&lock);
    d->pirq_page = page;
    for (u32 i = 0; i < PIRQS; i++)
        if (lines[i].port && lines[i].owner == d->id)
            show_end(d, &lines[i]);
    spin_unlock(&lock);
}

/* ---- delivering ---- */

/* Raise the port, if it is still the line's. Says on which CPU the vCPU is that looks after it, or -1. */
static s32 raise(u16 owner, u16 pirq, u32 port)
{
    struct domain *d = domain_hold(owner);
    s32 cpu = -1;

    if (!d)
        return -1;
    spin_lock(&d->events.lock);
    const struct event_port *e = event_port_used(d, port);
    if (e && e->state == EVENT_PIRQ && e->pirq == pirq) {
        event_raise_locked(d, port);
        cpu = (s32)__atomic_load_n(&d->vcpus[e->vcpu]->cpu, __ATOMIC_RELAXED);
    }
    spin_unlock(&d->events.lock);
    domain_let_go(d);
    return cpu;
}

/* Its interrupt has come, or may have been lost. Under the lock, which is not held any more when this returns. */
static void tell(struct line *l)
{
    u16 owner = l->owner, pirq = l->pirq;
    u32 port = l->port;

    spin_unlock(&lock);
    s32 cpu = raise(owner, pirq, port);
    if (cpu < 0 || reachable((u32)cpu) == __atomic_load_n(&l->cpu, __ATOMIC_RELAXED))
        return;
    spin_lock(&lock);
    if (l->port == port) {
        l->cpu = reachable((u32)cpu);
        route(l);
    }
    spin_unlock(&lock);
}

static void arrived(u32 slot)
{
    spin_lock(&lock);
    struct line *l = slots[slot];
    if (!l) {
        spin_unlock(&lock);
        return;
    }
    if (l->level)
        l->waits = true;
    else
        l->stopped |= ++l->edges >= EDGES_A_TICK;
    if (l->waits || l->stopped)
        io_apic_mask(l->gsi, true);
    tell(l);
}

void pirq_deliver(void)
{
    u32 levels = io_apic_levels();
    s32 slot;

    while ((slot = io_apic_take()) >= 0)
        arrived((u32)slot);
    io_apic_end_levels(levels);
}

/* Edges that came while the line was masked are lost: the guest looks once. */
static void tick_line(u32 slot)
{
    spin_lock(&lock);
    struct line *l = slots[slot];
    bool lost = l && l->stopped;
    if (l)
        l->edges = 0;
    if (!lost) {
        spin_unlock(&lock);
        return;
    }
    l->stopped = false;
    io_apic_mask(l->gsi, l->waits);
    tell(l);
}

void pirq_tick(void)
{
    if (!__atomic_load_n(&bound, __ATOMIC_RELAXED))
        return;
    for (u32 i = 0; i < DEVICE_VECTORS; i++)
        tick_line(i);
}
