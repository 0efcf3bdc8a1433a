/*
 * physdev_op and the old physdev_op_compat (Xen's public physdev.h): a guest's virtual I/O privilege level, its bitmap of ports, and the
 * interrupt lines of privileged ones (domain/pirq.h).
 *
 * The bitmap is checked and then of no effect: user mode reads a port as the level says. What configures PCI devices is refused, whoever
 * asks; interrupts that are messages, too.
 */
#include "abi/physdev.h"
#include "domain/pirq.h"
#include "hypercall/handlers.h"
#include "mm/memory.h"
#include "mm/type.h"

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
    return pirq_end(current_domain(), end.irq);
}

/* For the calls that it makes later: v1 says that the end unmasks the port, too. The page stays the guest's; once is all. */
static s64 eoi_page(u64 arg, bool unmask)
{
    struct physdev_pirq_eoi_gmfn page;
    struct domain *d = current_domain();
    s64 error = -XEN_EBUSY;

    if (!copy_from_guest(&page, arg, sizeof(page)))
        return refuse(-XEN_EFAULT, arg);
    if (!memory_enter(&d->mem))
        return -XEN_ERESTART;
    if (d->pirq_page.n == INVALID_MFN.n)
        error = type_get(&d->mem, MFN(page.gmfn), FRAME_WRITABLE, NULL);
    if (!error) {
        d->pirq_unmask = unmask;
        pirq_tell_ends(d, MFN(page.gmfn));
    }
    memory_leave(&d->mem);
    return error ? refuse(error == -XEN_EBUSY ? error : -XEN_EINVAL, page.gmfn) : 0;
}

/* ---- for privileged domains ---- */

static s64 apic_read(u64 arg)
{
    struct physdev_apic a;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    s64 error = pirq_apic_read(a.apic_physbase, a.reg, &a.value);
    if (error)
        return error;
    return copy_to_guest(arg, &a, sizeof(a)) ? 0 : refuse(-XEN_EFAULT, arg);
}

static s64 apic_write(u64 arg)
{
    struct physdev_apic a;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    return pirq_apic_write(current_domain(), a.apic_physbase, a.reg, a.value);
}

/* Vectors are the hypervisor's business: the guest writes this one into the I/O APIC, and it names the line. */
static s64 alloc_irq_vector(u64 arg)
{
    struct physdev_irq irq;

    if (!copy_from_guest(&irq, arg, sizeof(irq)))
        return refuse(-XEN_EFAULT, arg);
    irq.vector = irq.irq;
    return copy_to_guest(arg, &irq, sizeof(irq)) ? 0 : refuse(-XEN_EFAULT, arg);
}

/* A line for another domain would be one for its devices, and there are none to be given. */
static s64 own(u16 domid)
{
    if (domid == DOMID_SELF || domid == current_domain()->id)
        return 0;
    struct domain *d = domain_hold(domid);
    if (!d)
        return refuse(-XEN_ESRCH, domid);
    domain_let_go(d);
    return refuse(-XEN_EOPNOTSUPP, domid);
}

static s64 map_pirq(u64 arg)
{
    struct physdev_map_pirq m;

    if (!copy_from_guest(&m, arg, sizeof(m)))
        return refuse(-XEN_EFAULT, arg);
    s64 error = own(m.domid);
    if (!error && m.type != MAP_PIRQ_TYPE_GSI)
        error = refuse(-XEN_EINVAL, m.type);
    if (!error)
        error = pirq_map(current_domain(), (u32)m.index, &m.pirq);
    if (error)
        return error;
    return copy_to_guest(arg, &m, sizeof(m)) ? 0 : refuse(-XEN_EFAULT, arg);
}

static s64 unmap_pirq(u64 arg)
{
    struct physdev_unmap_pirq u;

    if (!copy_from_guest(&u, arg, sizeof(u)))
        return refuse(-XEN_EFAULT, arg);
    s64 error = own(u.domid);
    return error ? error : pirq_unmap(current_domain(), (u32)u.pirq);
}

static s64 setup_gsi(u64 arg)
{
    struct physdev_setup_gsi s;

    if (!copy_from_guest(&s, arg, sizeof(s)))
        return refuse(-XEN_EFAULT, arg);
    return pirq_set_up((u32)s.gsi, s.triggering, s.polarity);
}

static s64 privileged_op(u32 cmd, u64 arg)
{
    if (!current_domain()->privileged)
        return refuse(-XEN_EPERM, cmd);
    switch (cmd) {
    case PHYSDEVOP_apic_read:
        return apic_read(arg);
    case PHYSDEVOP_apic_write:
        return apic_write(arg);
    case PHYSDEVOP_alloc_irq_vector:
        return alloc_irq_vector(arg);
    case PHYSDEVOP_map_pirq:
        return map_pirq(arg);
    case PHYSDEVOP_unmap_pirq:
        return unmap_pirq(arg);
    case PHYSDEVOP_setup_gsi:
        return setup_gsi(arg);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

static s64 physdev_op(u32 cmd, u64 arg)
{
    switch (cmd) {
    case PHYSDEVOP_set_iopl:
        return set_iopl(arg);
    case PHYSDEVOP_set_iobitmap:
        return set_iobitmap(arg);
    case PHYSDEVOP_irq_status_query:
        return irq_status_query(arg);
    case PHYSDEVOP_eoi:
        return eoi(arg);
    case PHYSDEVOP_pirq_eoi_gmfn_v1:
    case PHYSDEVOP_pirq_eoi_gmfn_v2:
        return eoi_page(arg, cmd == PHYSDEVOP_pirq_eoi_gmfn_v1);
    case PHYSDEVOP_apic_read:
    case PHYSDEVOP_apic_write:
    case PHYSDEVOP_alloc_irq_vector:
    case PHYSDEVOP_map_pirq:
    case PHYSDEVOP_unmap_pirq:
    case PHYSDEVOP_setup_gsi:
    case PHYSDEVOP_pci_device_add:
    case PHYSDEVOP_pci_device_remove:
        return privileged_op(cmd, arg);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

s64 hc_physdev_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    s64 result = physdev_op((u32)cmd, arg);

    if (unlikely(result == -XEN_ERESTART))
        return hypercall_restart(__HYPERVISOR_physdev_op, cmd, arg, a3, a4, a5, a6);
    return result;
}

/* {u32 cmd; union} in memory: the union is aligned to 8. */
s64 hc_physdev_op_compat(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    u32 cmd;

    if (!get_guest_u32(&cmd, arg))
        return refuse(-XEN_EFAULT, arg);
    s64 result = physdev_op(cmd, arg + offsetof(struct physdev_op, u));
    if (unlikely(result == -XEN_ERESTART))
        return hypercall_restart(__HYPERVISOR_physdev_op_compat, arg, a2, a3, a4, a5, a6);
    return result;
}
