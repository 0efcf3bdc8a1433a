/*
 * physdev_op of a guest without devices, by the new call and by the old one: it may ask about interrupt lines and name its port bitmap, and
 * has nothing to end and nothing to configure.
 *
 * Source: physdev.h.
 */
#include "event.h"
#include "test.h"

static s64 both_ways(struct physdev_op *op, u32 cmd)
{
    op->cmd = cmd;
    s64 rc = physdev_op(cmd, &op->u);

    CHECK_RC(hypercall(__HYPERVISOR_physdev_op_compat, (u64)op, 0, 0, 0, 0), rc);
    return rc;
}

TEST
{
    struct physdev_op op = { .u.irq_status_query = { .irq = 3 } };
    struct physdev_eoi eoi = { .irq = 9 };
    struct evtchn_bind_pirq bind = { .pirq = 3 };

    UNPRIVILEGED_ONLY();
    CHECK_RC(both_ways(&op, PHYSDEVOP_irq_status_query), 0);
    CHECK_EQ(op.u.irq_status_query.irq, 3);
    CHECK_EQ(op.u.irq_status_query.flags, XENIRQSTAT_needs_eoi);
    op.u.irq_status_query.irq = ~0U;
    CHECK_RC(both_ways(&op, PHYSDEVOP_irq_status_query), -XEN_EINVAL);

    CHECK_RC(physdev_op(PHYSDEVOP_eoi, &eoi), -XEN_EINVAL); /* not bound */
    eoi.irq = ~0U;
    CHECK_RC(physdev_op(PHYSDEVOP_eoi, &eoi), -XEN_EINVAL);
    CHECK_RC(event_channel_op(EVTCHNOP_bind_pirq, &bind), -XEN_EPERM);
    bind.pirq = ~0U;
    CHECK_RC(event_channel_op(EVTCHNOP_bind_pirq, &bind), -XEN_EINVAL);

    op.u.set_iobitmap = (struct physdev_set_iobitmap){ .bitmap = 0, .nr_ports = 0 };
    CHECK_RC(both_ways(&op, PHYSDEVOP_set_iobitmap), 0);
    op.u.set_iobitmap.nr_ports = 65537;
    CHECK_RC(both_ways(&op, PHYSDEVOP_set_iobitmap), -XEN_EINVAL);
    op.u.set_iobitmap =
        (struct physdev_set_iobitmap){ .bitmap = HYPERVISOR_VIRT_END - PAGE_SIZE, .nr_ports = 8 };
    CHECK_RC(both_ways(&op, PHYSDEVOP_set_iobitmap), -XEN_EINVAL);
    op.u.set_iopl.iopl = 1;
    CHECK_RC(both_ways(&op, PHYSDEVOP_set_iopl), 0);

    CHECK_REFUSED(both_ways(&op, PHYSDEVOP_apic_read));
    CHECK_REFUSED(both_ways(&op, PHYSDEVOP_apic_write));
    CHECK_REFUSED(both_ways(&op, PHYSDEVOP_alloc_irq_vector));
    CHECK_REFUSED(physdev_op(PHYSDEVOP_manage_pci_add, &op));
    CHECK_REFUSED(physdev_op(PHYSDEVOP_setup_gsi, &op));
    CHECK_REFUSED(physdev_op(PHYSDEVOP_pci_device_add, &op));
    CHECK_RC(physdev_op(99, &op), -XEN_ENOSYS);
    for (u32 cmd = PHYSDEVOP_irq_status_query; cmd <= PHYSDEVOP_set_iobitmap; cmd++) {
        CHECK_RC(physdev_op(cmd, NULL), -XEN_EFAULT);
        CHECK_RC(physdev_op(cmd, (void *)(HYPERVISOR_VIRT_END - PAGE_SIZE)), -XEN_EFAULT);
    }
    CHECK_RC(physdev_op(PHYSDEVOP_eoi, NULL), -XEN_EFAULT);
}
