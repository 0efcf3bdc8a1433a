/*
 * The flush operations of mmuext_op, one by one and in a list; a list stops at its first error and tells how far it came.
 *
 * An operation that does not exist is -ENOSYS; a vCPU mask that cannot be read is refused. FLUSH_CACHE is for domains with devices:
 * -EACCES for all others. Source: MMUEXT_* in xen.h and the checklist, sections 3 and 5.
 */
#include "test.h"

static s64 flush(u32 cmd, u64 va, u64 mask)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.linear_addr = va, .arg2.vcpumask = mask };

    return mmuext_op(&op, 1, NULL, DOMID_SELF);
}

TEST
{
    struct mmuext_op list[3] = {
        { .cmd = MMUEXT_TLB_FLUSH_LOCAL },
        { .cmd = MMUEXT_TLB_FLUSH_ALL },
        { .cmd = 99 },
    };
    u64 mask = ~0UL, nobody = 0, va = (u64)list;
    u32 done = 77;

    CHECK_RC(flush(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
    CHECK_RC(flush(MMUEXT_INVLPG_LOCAL, va, 0), 0);
    CHECK_RC(flush(MMUEXT_INVLPG_LOCAL, 0x0000800000000000, 0),
             0); /* not canonical: nothing to flush */
    CHECK_RC(flush(MMUEXT_INVLPG_LOCAL, MACH2PHYS_VIRT_START, 0), 0);
    CHECK_RC(flush(MMUEXT_TLB_FLUSH_MULTI, 0, (u64)&mask), 0);
    CHECK_RC(flush(MMUEXT_INVLPG_MULTI, va, (u64)&mask), 0);
    CHECK_RC(flush(MMUEXT_TLB_FLUSH_MULTI, 0, (u64)&nobody), 0);
    CHECK_RC(flush(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
    CHECK_RC(flush(MMUEXT_INVLPG_ALL, va, 0), 0);

    CHECK_REFUSED(flush(MMUEXT_TLB_FLUSH_MULTI, 0, 0x123456789000));
    CHECK_REFUSED(flush(MMUEXT_INVLPG_MULTI, va, HYPERVISOR_VIRT_END - PAGE_SIZE));
    CHECK_RC(flush(MMUEXT_FLUSH_CACHE, 0, 0), guest_is_privileged() ? 0 : -XEN_EACCES);
    CHECK_RC(flush(14, 0, 0), -XEN_ENOSYS);
    CHECK_RC(flush(99, 0, 0), -XEN_ENOSYS);

    CHECK_RC(mmuext_op(list, 3, &done, DOMID_SELF), -XEN_ENOSYS);
    CHECK_EQ(done, 2);
    CHECK_RC(mmuext_op(list, 0, &done, DOMID_SELF), 0);
    CHECK_EQ(done, 0);
}
