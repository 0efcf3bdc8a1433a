/*
 * Reservation calls with arguments that a guest should not be able to hurt anybody with.
 *
 * Frames of others, frames that don't exist, the same frame twice, counts beyond all memory, extents of impossible size, domains that
 * don't exist. Each call answers how many extents it did, or an error; the reservation never grows beyond the maximum.
 */
#include "test.h"

static s64 op(u32 cmd, u64 *extents, u64 n, u32 order, u32 domid)
{
    struct xen_memory_reservation arg = { .extent_start = (u64)extents,
                                          .nr_extents = n,
                                          .extent_order = order,
                                          .domid = (domid_t)domid };

    return memory_op(cmd, &arg);
}

TEST
{
    struct xen_memory_domain self = { .domid = DOMID_SELF }, nobody = { .domid = 0x7123 };
    s64 before = memory_op(XENMEM_current_reservation, &self);
    u64 mfn = pfn_mfn(pfn_alloc()), list[2] = { mfn, mfn };

    CHECK_RC(op(XENMEM_decrease_reservation, list, 2, 0, DOMID_SELF), 1);
    CHECK_RC(memory_op(XENMEM_current_reservation, &self), before - 1);
    list[0] = foreign_mfn();
    CHECK_RC(op(XENMEM_decrease_reservation, list, 1, 0, DOMID_SELF), 0);
    list[0] = ~0UL;
    CHECK_RC(op(XENMEM_decrease_reservation, list, 1, 0, DOMID_SELF), 0);
    list[0] = BIT(40);
    CHECK_RC(op(XENMEM_decrease_reservation, list, 1, 0, DOMID_SELF), 0);

    CHECK(op(XENMEM_increase_reservation, NULL, ~0UL, 0, DOMID_SELF) <= 0);
    CHECK(op(XENMEM_populate_physmap, list, 1, 63, DOMID_SELF) <= 0);
    CHECK(op(XENMEM_populate_physmap, list, 1, 40, DOMID_SELF) <= 0);
    CHECK(op(XENMEM_decrease_reservation, list, 1, 0, 0x7123) <= 0);
    CHECK_RC(memory_op(XENMEM_current_reservation, &nobody), -XEN_ESRCH);
    CHECK_RC(memory_op(XENMEM_current_reservation, NULL), -XEN_EFAULT);
    CHECK_RC(memory_op(63, &self), -XEN_ENOSYS);
    CHECK_RC(memory_op(XENMEM_current_reservation, &self), before - 1);
}
