/*
 * An unprivileged domain cannot choose how memory is cached: PAT, PCD and PWT in an L1 entry are refused.
 *
 * Two mappings of one frame with different cache types are undefined behaviour of the hardware, for everybody. A domain with
 * devices may (a dom0 on Xen), so this is for the others. Source: "PSE, PAT, PWT, PCD -> -EINVAL", checklist section 2.
 */
#include "test.h"

TEST
{
    u64 mfn = ptr_mfn(page_alloc()), *entry;

    UNPRIVILEGED_ONLY();
    map(SCRATCH_VA, mfn, PTE_RW_PAGE);
    entry = pte_of(SCRATCH_VA, 1);
    CHECK_RC(pte_write(entry, *entry | PTE_PWT), -XEN_EINVAL);
    CHECK_RC(pte_write(entry, *entry | PTE_PCD), -XEN_EINVAL);
    CHECK_RC(pte_write(entry, *entry | PTE_PAT), -XEN_EINVAL);
    CHECK_RC(pte_write(entry, *entry | PTE_NX), 0);
}
