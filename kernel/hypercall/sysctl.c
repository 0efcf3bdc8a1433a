/*
 * sysctl: what a privileged domain may know of the machine (Xen's public sysctl.h; abi/sysctl.h). The order of refusals is Xen's: pointer,
 * version, right.
 */
#include "abi/sysctl.h"
#include "domain/cpuid.h"
#include "hypercall/domctl.h"
#include "hypercall/handlers.h"
#include "lib/bitmap.h"
#include "mm/alloc.h"
#include "x86/clock.h"
#include "x86/console.h"

#define CHUNK 256 /* bytes of the console ring that are copied at a time */

/* A part of a call: the caller's structure as it was copied in; it goes back afterwards. */
typedef s64 sysctl_fn(struct xen_sysctl *op);

static s64 read_console(struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;
    u32 index = r->incremental ? r->index : console_ring_oldest(), done = 0;
    char text[CHUNK];

    while (done < r->count) {
        size_t n = console_ring_read(&index, text, min(r->count - done, (u32)CHUNK));

        if (!n)
            break;
        if (!copy_to_guest(r->buffer + done, text, n))
            return refuse(-XEN_EFAULT, r->buffer);
        done += (u32)n;
    }
    if (r->clear)
        console_ring_clear();
    r->index = index;
    r->count = done;
    return 0;
}

static s64 physical_info(struct xen_sysctl *op)
{
    struct alloc_stats stats = alloc_stats();

    op->u.physinfo = (struct xen_sysctl_physinfo){
        .threads_per_core = 1,
        .cores_per_socket = nr_cpus,
        .nr_cpus = nr_cpus,
        .max_cpu_id = nr_cpus - 1,
        .nr_nodes = 1,
        .cpu_khz = (u32)clock_khz,
        .capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1,
        .total_pages = stats.total,
        .free_pages = stats.free,
        .outstanding_pages = stats.promised,
        .max_mfn = max_mfn - 1,
    };
    return 0;
}

static s64 scheduler(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = domctl_sched_id();
    return 0;
}

/*
 * In order of their ids. A long list stops between domains; the same call goes on where it stopped. Another one in between, from an
 * upcall's handler, makes it start anew.
 */
static s64 list_domains(struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    struct vcpu_listing *at = &current_vcpu()->listing;
    struct xen_domctl_getdomaininfo info;
    struct domain *d = NULL;

    if (!at->done || at->buffer != l->buffer || at->first != l->first_domain)
        *at = (struct vcpu_listing){ l->buffer, l->first_domain, l->first_domain, 0 };
    while (at->done < l->max_domains && (d = domain_hold_from((u16)at->next))) {
        domain_describe(d, &info);
        at->next = d->id + 1U;
        domain_let_go(d);
        u64 to = l->buffer + at->done++ * sizeof(info);
        if (!copy_to_guest(to, &info, sizeof(info))) {
            at->done = 0;
            return refuse(-XEN_EFAULT, to);
        }
        if (work_pending())
            return -XEN_ERESTART;
    }
    l->num_domains = at->done;
    at->done = 0;
    return 0;
}

/* There is one pool of CPUs, number 0, with all of them. A question for a number means the pool of that or of the next number. */
static s64 pool(struct xen_sysctl *op)
{
    struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;
    u64 none[NR_CPUS / 64] = { 0 }, all[NR_CPUS / 64] = { 0 };

    for (u32 i = 0; i < nr_cpus; i++)
        bitmap_set(all, i);
    switch (p->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        if (p->cpupool_id)
            return refuse(-XEN_ENOENT, p->cpupool_id);
        p->cpupool_id = 0;
        p->sched_id = domctl_sched_id();
        p->n_dom = domain_count();
        return bitmap_to_guest(&p->cpumap, all, ARRAY_SIZE(all));
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return bitmap_to_guest(&p->cpumap, none, ARRAY_SIZE(none));
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return refuse(p->cpupool_id ? -XEN_ENOENT : -XEN_EBUSY, p->cpupool_id);
    default: /* another pool, and moving there */
        return refuse(-XEN_EOPNOTSUPP, p->op);
    }
}

/* What no domain has been promised; a limit of address bits is not looked at where memory ends below it. */
static s64 free_memory(struct xen_sysctl *op)
{
    struct alloc_stats stats = alloc_stats();

    /* There is but one node: another has none. */
    if (op->u.availheap.node > 0)
        stats.free = stats.promised = 0;
    op->u.availheap.avail_bytes = (stats.free - stats.promised) * PAGE_SIZE;
    return 0;
}

/* All CPUs are cores of one socket. */
static s64 topology(struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
    u32 n = t->cputopo ? min(t->num_cpus, nr_cpus) : 0;

    for (u32 i = 0; i < n; i++) {
        struct xen_sysctl_cputopo cpu = { .core = i };
        if (!copy_to_guest(t->cputopo + i * sizeof(cpu), &cpu, sizeof(cpu)))
            return refuse(-XEN_EFAULT, t->cputopo);
    }
    t->num_cpus = nr_cpus;
    return 0;
}

static s64 nodes(struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *n = &op->u.numainfo;
    struct alloc_stats stats = alloc_stats();
    struct xen_sysctl_meminfo memory = { stats.total * PAGE_SIZE, stats.free * PAGE_SIZE };
    const u32 distance = 10; /* to itself, as ACPI counts */

    if (n->num_nodes && n->meminfo && !copy_to_guest(n->meminfo, &memory, sizeof(memory)))
        return refuse(-XEN_EFAULT, n->meminfo);
    if (n->num_nodes && n->distance && !copy_to_guest(n->distance, &distance, sizeof(distance)))
        return refuse(-XEN_EFAULT, n->distance);
    n->num_nodes = 1;
    return 0;
}

static sysctl_fn *const commands[] = {
    [XEN_SYSCTL_readconsole] = read_console, [XEN_SYSCTL_physinfo] = physical_info,
    [XEN_SYSCTL_sched_id] = scheduler,       [XEN_SYSCTL_getdomaininfolist] = list_domains,
    [XEN_SYSCTL_availheap] = free_memory,    [XEN_SYSCTL_cputopoinfo] = topology,
    [XEN_SYSCTL_numainfo] = nodes,           [XEN_SYSCTL_cpupool_op] = pool,
};

s64 hc_sysctl(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct xen_sysctl op;

    if (!copy_from_guest(&op, arg, sizeof(op)))
        return refuse(-XEN_EFAULT, arg);
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return refuse(-XEN_EACCES, op.interface_version);
    if (!current_domain()->privileged)
        return refuse(-XEN_EPERM, op.cmd);
    if (op.cmd >= ARRAY_SIZE(commands) || !commands[op.cmd])
        return refuse(-XEN_EOPNOTSUPP, op.cmd);
    s64 error = commands[op.cmd](&op);
    if (unlikely(error == -XEN_ERESTART))
        return hypercall_restart(__HYPERVISOR_sysctl, arg, a2, a3, a4, a5, a6);
    if (!error && !copy_to_guest(arg, &op, sizeof(op)))
        return refuse(-XEN_EFAULT, arg);
    return error;
}
