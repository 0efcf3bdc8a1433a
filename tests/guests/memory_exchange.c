/*
 * XENMEM_exchange: frames for frames, such as two single ones for one aligned pair. The old are gone, the new are the guest's, and
 * the machine-to-physical table knows them.
 */
#include "test.h"

TEST
{
    u64 pfns[2], old[2], out[2];
    struct xen_memory_exchange arg = {
        .in = { .extent_start = (u64)old, .nr_extents = 2, .domid = DOMID_SELF },
        .out = { .extent_start = (u64)out,
                 .nr_extents = 1,
                 .extent_order = 1,
                 .domid = DOMID_SELF },
    };

    pfns[0] = pfn_alloc();
    pfns[1] = pfn_alloc();
    for (int i = 0; i < 2; i++)
        old[i] = pfn_mfn(pfns[i]);
    CHECK_EQ(pfns[1], pfns[0] + 1);
    out[0] = pfns[0];

    CHECK_RC(memory_op(XENMEM_exchange, &arg), 0);
    CHECK_EQ(arg.nr_exchanged, 2);
    CHECK_EQ(out[0] % 2, 0);
    CHECK_EQ(mfn_pfn(out[0]), pfns[0]);
    CHECK_EQ(mfn_pfn(out[0] + 1), pfns[1]);
    for (u64 i = 0; i < 2; i++) {
        map(SCRATCH_VA + i * PAGE_SIZE, out[0] + i, PTE_RW_PAGE);
        CHECK_NO_TRAP(probe_write64(SCRATCH_VA + i * PAGE_SIZE, i));
        if (old[i] != out[0] && old[i] != out[0] + 1)
            CHECK_REFUSED(
                update_va_mapping(SCRATCH_VA, pte_make(old[i], PTE_RO_PAGE), UVMF_INVLPG));
    }

    arg.nr_exchanged = 0;
    arg.out.extent_order = 2; /* two pages for four */
    CHECK_RC(memory_op(XENMEM_exchange, &arg), -XEN_EINVAL);
}
