/*
 * sysctl: what a privileged domain may know of the machine (Xen's public sysctl.h; abi/sysctl.h). The order of refusals is Xen's: pointer,
 * version, right.
 */
#include "abi/sysctl.h"
#include "domain/cpuid.h"
#include "hypercall/domctl.h"
#include "hypercall/handlers.h"
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

static s64 list_domains(struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    struct xen_domctl_getdomaininfo info;
    struct domain *d = domain_hold_from(l->first_domain);
    u64 to = l->buffer;
    s64 error = 0;

    for (l->num_domains = 0; d; d = domain_hold_next(d)) {
        if (l->num_domains == l->max_domains || error) {
            domain_let_go(d);
            break;
        }
        domain_describe(d, &info);
        if (!copy_to_guest(to, &info, sizeof(info)))
            error = refuse(-XEN_EFAULT, to);
        to += sizeof(info);
        l->num_domains++;
    }
    return error;
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
    [XEN_SYSCTL_numainfo] = nodes,
};

s64 hc_sysctl(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct xen_sysctl op;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (!copy_from_guest(&op, arg, sizeof(op)))
        return refuse(-XEN_EFAULT, arg);
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return refuse(-XEN_EACCES, op.interface_version);
    if (!current_domain()->privileged)
        return refuse(-XEN_EPERM, op.cmd);
    if (op.cmd >= ARRAY_SIZE(commands) || !commands[op.cmd])
        return refuse(-XEN_EOPNOTSUPP, op.cmd);
    s64 error = commands[op.cmd](&op);
    if (!error && !copy_to_guest(arg, &op, sizeof(op)))
        return refuse(-XEN_EFAULT, arg);
    return error;
}
