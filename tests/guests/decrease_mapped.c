/*
 * A frame that is given back while it is mapped stays the guest's until the mapping goes: no access to memory that somebody else
 * has got meanwhile.
 *
 * The mapping holds a reference. So its content does not change, and after the mapping is gone it cannot be mapped again.
 */
#include "test.h"

TEST
{
    u64 *page = page_alloc(), mfn = ptr_mfn(page), list[1] = { mfn };
    struct xen_memory_reservation arg = { .extent_start = (u64)list,
                                          .nr_extents = 1,
                                          .domid = DOMID_SELF };
    s64 done;

    page[5] = 0xabcdef;
    done = memory_op(XENMEM_decrease_reservation, &arg);
    CHECK(done == 1 || done == 0);
    CHECK_EQ(page[5], 0xabcdef);
    CHECK_NO_TRAP(probe_write64((u64)&page[6], 7));
    CHECK_RC(update_va_mapping((u64)page, 0, UVMF_INVLPG), 0);
    if (done == 1)
        CHECK_REFUSED(update_va_mapping((u64)page, pte_make(mfn, PTE_RO_PAGE), UVMF_INVLPG));
}
