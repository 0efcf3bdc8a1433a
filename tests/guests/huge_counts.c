/*
 * Counts that no list can have: the call must not believe them, not overflow a product with them, and not work for minutes.
 *
 * The lists lie at the end of a mapped page, so an honest walk ends in -EFAULT after the real entries; some calls see at once that
 * the count is senseless. Either is fine; what is wanted is an error, soon, and a hypervisor that lives.
 */
#include "test.h"

static const u64 COUNTS[] = { 0x7fffffff,         0x80000000, 0xffffffff, 0x100000000,
                              0x0fffffffffffffff, 1UL << 60,  ~0UL };

TEST
{
    u8 *page = page_alloc();

    page_unmap(page + PAGE_SIZE); /* the page behind is free as well */
    for (size_t i = 0; i < ARRAY_SIZE(COUNTS); i++) {
        u64 n = COUNTS[i];
        struct mmuext_op *op = (struct mmuext_op *)(page + PAGE_SIZE) - 1;
        struct multicall_entry *entry = (struct multicall_entry *)(page + PAGE_SIZE) - 1;

        memset(page, 0, PAGE_SIZE);
        if ((u32)n & 0x7fffffff) /* bit 31 and zero have a meaning of their own in Xen */
            CHECK_REFUSED(
                mmu_update((struct mmu_update *)(page + PAGE_SIZE) - 1, n, NULL, DOMID_SELF));
        *op = (struct mmuext_op){ .cmd = MMUEXT_TLB_FLUSH_LOCAL };
        if ((u32)n & 0x7fffffff)
            CHECK_REFUSED(mmuext_op(op, n, NULL, DOMID_SELF));
        *entry = (struct multicall_entry){ .op = __HYPERVISOR_xen_version };
        if ((u32)n)
            CHECK_REFUSED(multicall(entry, n));
        if ((u32)n)
            CHECK_RC(set_gdt((u64 *)(page + PAGE_SIZE - 8), n), -XEN_EINVAL);
    }
}
