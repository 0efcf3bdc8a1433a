/*
 * mmu_update on memory of others: the entry's frame, the domain ids in the last argument.
 *
 * The low half of that argument is the owner of the frames to be mapped, the high half, if not 0, the owner of the tables plus one.
 * An id that no domain has is -ESRCH. (What a privileged domain may do to another needs another domain: not here.)
 */
#include "test.h"

#define NO_DOMAIN 0x7123

TEST
{
    struct mmu_update update;
    u64 mfn = ptr_mfn(page_alloc()), *entry;

    map(SCRATCH_VA, mfn, PTE_RO_PAGE);
    entry = pte_of(SCRATCH_VA, 1);
    update = (struct mmu_update){ .ptr = ptr_maddr(entry), .val = pte_make(mfn, PTE_RO_PAGE) };

    CHECK_RC(mmu_update(&update, 1, NULL, NO_DOMAIN), -XEN_ESRCH);
    CHECK_RC(mmu_update(&update, 1, NULL, DOMID_SELF | (NO_DOMAIN + 1) << 16), -XEN_ESRCH);
    CHECK_RC(mmu_update(&update, 1, NULL, DOMID_SELF), 0);

    CHECK_REFUSED(mmu_update_one(foreign_mfn() << PAGE_SHIFT, 0));
    CHECK_REFUSED(mmu_update_one((BIT(40) - 1) << PAGE_SHIFT, 0));
    CHECK_REFUSED(mmu_update_one(~0UL & ~7UL, 0));
}
