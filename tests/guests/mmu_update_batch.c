/*
 * mmu_update works through its list in order, stops at the first entry that it refuses, and tells how many it did.
 *
 * The count comes back through the third argument, if there is one, in every case. An empty list is fine.
 * Source: HYPERVISOR_mmu_update in xen.h.
 */
#include "test.h"

TEST
{
    struct mmu_update list[5];
    u64 *l1, mfn;
    u32 done = 77;

    mfn = ptr_mfn(page_alloc());
    map(SCRATCH_VA, mfn, PTE_RO_PAGE);
    l1 = pte_of(SCRATCH_VA, 1);

    CHECK_RC(mmu_update(list, 0, &done, DOMID_SELF), 0);
    CHECK_EQ(done, 0);
    CHECK_RC(mmu_update(NULL, 0, NULL, DOMID_SELF), 0);

    for (int i = 0; i < 5; i++)
        list[i] =
            (struct mmu_update){ .ptr = ptr_maddr(&l1[i]), .val = pte_make(mfn, PTE_RO_PAGE) };
    CHECK_RC(mmu_update(list, 5, &done, DOMID_SELF), 0);
    CHECK_EQ(done, 5);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(pte_mfn(l1[i]), mfn);

    for (int i = 0; i < 5; i++)
        list[i].val = 0;
    list[3].val = pte_make(ptr_mfn(l1), PTE_RW_PAGE);
    CHECK_REFUSED(mmu_update(list, 5, &done, DOMID_SELF));
    CHECK_EQ(done, 3);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(l1[i] & PTE_P, i < 3 ? 0 : PTE_P);
}
