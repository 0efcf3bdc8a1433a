/*
 * physdev_op and the old physdev_op_compat (Xen's public physdev.h), as far as a guest without devices needs them: its virtual I/O
 * privilege level, its bitmap of ports, and questions about interrupt lines.
 *
 * The bitmap is checked and then of no effect: no domain has a port behind which there is anything, and what the bitmap could open to
 * user mode reads as the level says. What configures devices is refused, whoever asks, until there are drivers.
 */
#include "abi/physdev.h"
#include "domain/event.h"
#include "hypercall/handlers.h"

#define PORTS        65536
#define BITMAP_BYTES (PORTS / 8)

static s64 set_iopl(u64 arg)
{
    struct physdev_set_iopl set;

    if (!copy_from_guest(&set, arg, sizeof(set)))
        return refuse(-XEN_EFAULT, arg);
    if (set.iopl > 3)
        return refuse(-XEN_EINVAL, set.iopl);
    current_vcpu()->ctx.iopl = set.iopl;
    return 0;
}

static s64 set_iobitmap(u64 arg)
{
    struct physdev_set_iobitmap set;

    if (!copy_from_guest(&set, arg, sizeof(set)))
        return refuse(-XEN_EFAULT, arg);
    if (set.nr_ports > PORTS || !guest_range_ok(set.bitmap, BITMAP_BYTES))
        return refuse(-XEN_EINVAL, set.nr_ports);
    return 0;
}

/* Every line is said to want an end of interrupt: a guest that gives one too many does no harm. */
static s64 irq_status_query(u64 arg)
{
    struct physdev_irq_status_query query;

    if (!copy_from_guest(&query, arg, sizeof(query)))
        return refuse(-XEN_EFAULT, arg);
    if (query.irq >= PIRQS)
        return refuse(-XEN_EINVAL, query.irq);
    query.flags = XENIRQSTAT_needs_eoi;
    return copy_to_guest(arg, &query, sizeof(query)) ? 0 : refuse(-XEN_EFAULT, arg);
}

static s64 eoi(u64 arg)
{
    struct physdev_eoi end;

    if (!get_guest_u32(&end.irq, arg))
        return refuse(-XEN_EFAULT, arg);
    return refuse(-XEN_EINVAL, end.irq); /* no domain has a line */
}

s64 hc_physdev_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    switch ((u32)cmd) {
    case PHYSDEVOP_set_iopl:
        return set_iopl(arg);
    case PHYSDEVOP_set_iobitmap:
        return set_iobitmap(arg);
    case PHYSDEVOP_irq_status_query:
        return irq_status_query(arg);
    case PHYSDEVOP_eoi:
        return eoi(arg);
    case PHYSDEVOP_apic_read:
    case PHYSDEVOP_apic_write:
    case PHYSDEVOP_alloc_irq_vector:
    case PHYSDEVOP_map_pirq:
    case PHYSDEVOP_unmap_pirq:
    case PHYSDEVOP_setup_gsi:
    case PHYSDEVOP_pci_device_add:
    case PHYSDEVOP_pci_device_remove:
        return refuse(current_domain()->privileged ? -XEN_ENOSYS : -XEN_EPERM, cmd);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

/* {u32 cmd; union} in memory: the union is aligned to 8. */
s64 hc_physdev_op_compat(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    u32 cmd;

    (void)a6;
    if (!get_guest_u32(&cmd, arg))
        return refuse(-XEN_EFAULT, arg);
    return hc_physdev_op(cmd, arg + offsetof(struct physdev_op, u), a2, a3, a4, a5);
}
