/*
 * Giving back a frame that is in use as a table does not take the table away from under the hypervisor.
 *
 * The frame may leave the domain's reservation, but whoever still refers to it (a pin, a parent, cr3) keeps it: it must not be given
 * out again, neither to this domain nor to another, while it is a table. The current L4 is the hardest case.
 */
#include "test.h"

static s64 give_back(u64 mfn)
{
    struct xen_memory_reservation arg = { .extent_start = (u64)&mfn,
                                          .nr_extents = 1,
                                          .domid = DOMID_SELF };

    return memory_op(XENMEM_decrease_reservation, &arg);
}

/* Take all the frames that can be had and look whether it is among them. */
static bool comes_back(u64 wanted)
{
    for (int i = 0; i < 64; i++) {
        u64 extent = 0;
        struct xen_memory_reservation arg = { .extent_start = (u64)&extent,
                                              .nr_extents = 1,
                                              .domid = DOMID_SELF };

        if (memory_op(XENMEM_increase_reservation, &arg) != 1)
            return false;
        if (extent == wanted)
            return true;
    }
    return false;
}

TEST
{
    u64 *l1 = table_alloc(), *l4 = (u64 *)start_info->pt_base, mfn = ptr_mfn(l1);

    map(SCRATCH_VA, ptr_mfn(page_alloc()), PTE_RW_PAGE);
    u64 *linked = (u64 *)((u64)pte_of(SCRATCH_VA, 1) & PAGE_MASK);
    u64 *entry_of_l4 = pte_of(
        (u64)l4, 1); /* afterwards the machine-to-physical table may no longer know the way */

    CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, mfn), 0);
    give_back(mfn);
    give_back(ptr_mfn(linked));
    give_back(ptr_mfn(l4));
    CHECK(!comes_back(ptr_mfn(linked)));
    CHECK(!comes_back(ptr_mfn(l4)));
    CHECK_NO_TRAP(probe_read64(SCRATCH_VA, NULL));
    CHECK_NO_TRAP(probe_write64((u64)&test_result.answer, 1));
    CHECK_RC(mmuext_one(MMUEXT_TLB_FLUSH_LOCAL, 0), 0);
    CHECK_EQ(pte_mfn(*entry_of_l4), ptr_mfn(l4));
}
