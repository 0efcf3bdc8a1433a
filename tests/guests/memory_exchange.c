/*
 * XENMEM_exchange: frames for frames. The old are gone, the new are the guest's, and the machine-to-physical table knows them.
 *
 * Linux uses it to get frames that lie together, for devices. A hypervisor that keeps no larger pieces may answer -ENOMEM to that, with
 * nothing changed; single pages it must exchange. Source: XENMEM_exchange in memory.h.
 */
#include "test.h"

static u64 pfns[2], old[2], out[2];

static s64 exchange(u32 out_order, u64 *done)
{
    struct xen_memory_exchange arg = {
        .in = { .extent_start = (u64)old, .nr_extents = 2, .domid = DOMID_SELF },
        .out = { .extent_start = (u64)out,
                 .nr_extents = 2 >> out_order,
                 .extent_order = out_order,
                 .domid = DOMID_SELF },
    };
    s64 rc;

    out[0] = pfns[0];
    out[1] = pfns[1];
    rc = memory_op(XENMEM_exchange, &arg);
    *done = arg.nr_exchanged;
    return rc;
}

static void check_new(u64 pfn, u64 mfn)
{
    CHECK_EQ(mfn_pfn(mfn), pfn);
    map(SCRATCH_VA, mfn, PTE_RW_PAGE);
    CHECK_NO_TRAP(probe_write64(SCRATCH_VA, pfn));
    CHECK_RC(update_va_mapping(SCRATCH_VA, 0, UVMF_INVLPG), 0);
}

TEST
{
    u64 done;

    for (int i = 0; i < 2; i++) {
        pfns[i] = pfn_alloc();
        old[i] = pfn_mfn(pfns[i]);
    }
    map(SCRATCH_VA, old[0], PTE_RO_PAGE);
    CHECK_RC(update_va_mapping(SCRATCH_VA, 0, UVMF_INVLPG), 0);

    CHECK_RC(exchange(0, &done), 0);
    CHECK_EQ(done, 2);
    for (int i = 0; i < 2; i++) {
        check_new(pfns[i], out[i]);
        if (old[i] != out[0] && old[i] != out[1])
            CHECK_REFUSED(
                update_va_mapping(SCRATCH_VA, pte_make(old[i], PTE_RO_PAGE), UVMF_INVLPG));
        old[i] = out[i];
    }

    s64 rc = exchange(1, &done);
    if (rc == 0) {
        CHECK_EQ(out[0] % 2, 0);
        check_new(pfns[0], out[0]);
        check_new(pfns[1], out[0] + 1);
    } else {
        CHECK_RC(rc, -XEN_ENOMEM);
        CHECK_EQ(done, 0);
        check_new(pfns[0], old[0]);
    }
    CHECK_RC(exchange(2, &done), -XEN_EINVAL); /* no extents for two */
}
