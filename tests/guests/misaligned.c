/*
 * Arguments at odd addresses and across the end of a page: the machine has no trouble with that, so a hypercall may have none.
 *
 * Where the second page is missing the call is refused as a whole, before anything has been done.
 */
#include "test.h"

TEST
{
    u8 *pages = page_alloc(), *second = page_alloc();
    u64 target = ptr_mfn(page_alloc());

    SETUP(second == pages + PAGE_SIZE);
    map(SCRATCH_VA, target, PTE_RO_PAGE);
    u64 *entry = pte_of(SCRATCH_VA, 1);

    for (u64 before = 1; before < 16; before++) {
        struct mmu_update update = { .ptr = ptr_maddr(entry),
                                     .val = pte_make(target, PTE_RO_PAGE) | before % 8 << 9 };
        u8 *at = pages + PAGE_SIZE - before;

        memcpy(at, &update, sizeof(update));
        CHECK_RC(mmu_update((struct mmu_update *)at, 1, (u32 *)(pages + 1), DOMID_SELF), 0);
        CHECK_EQ(*entry >> 9 & 7, before % 8);
        CHECK_EQ(pages[1] | pages[2] | pages[3] | pages[4], 1);

        struct multicall_entry call = { .op = __HYPERVISOR_xen_version,
                                        .args = { XENVER_pagesize } };
        memcpy(at, &call, sizeof(call));
        CHECK_RC(multicall((struct multicall_entry *)at, 1), 0);
        memcpy(&call, at, sizeof(call));
        CHECK_EQ(call.result, 4096);
    }

    page_unmap(second);
    for (u64 before = 1; before < 16; before++) {
        u64 old = *entry;

        CHECK_RC(mmu_update((struct mmu_update *)(pages + PAGE_SIZE - before), 1, NULL, DOMID_SELF),
                 -XEN_EFAULT);
        CHECK_EQ(*entry, old);
    }
}
