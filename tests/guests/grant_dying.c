/*
 * A domain ends in the midst of hundreds of mappings, among them some that it has overwritten, frames that it has given up, and a table
 * that it let go with the mappings in it. What must come out right is what the hypervisor recounts afterwards.
 *
 * Teardown goes in small steps, and a handle must not outlive the page tables that it stands for. Source: grant_table.h.
 */
#include "grant.h"
#include "test.h"

#define MAPPINGS                                                                                   \
    700 /* more handles than a page of them holds, and more than one L1 table of mappings */

TEST
{
    domid_t self = grant_own_domid();
    static u64 mfns[16];
    static grant_ref_t refs[16];
    grant_handle_t handle = 0;

    for (int i = 0; i < 16; i++) {
        mfns[i] = pfn_mfn(pfn_alloc());
        refs[i] = grant_access(self, mfns[i], i % 2);
    }
    for (u64 i = 0; i < MAPPINGS; i++) {
        u64 va = SCRATCH_VA + i * PAGE_SIZE;
        u32 flags = GNTMAP_host_map | (i % 2 ? GNTMAP_readonly : 0);

        map(va, mfns[i % 16], PTE_RO_PAGE);
        CHECK_RC(grant_map_at(va, self, refs[i % 16], flags, &handle), GNTST_okay);
        CHECK_NO_TRAP(probe_read64(va, NULL));
        if (i % 5 == 0)
            CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    }
    CHECK_RC(pte_write(pte_of(SCRATCH_VA, 2), 0), 0); /* 512 of them at once */
    CHECK_TRAP(probe_read64(SCRATCH_VA + PAGE_SIZE, NULL), TRAP_PF);
    CHECK_NO_TRAP(probe_read64(SCRATCH_VA + 513 * PAGE_SIZE, NULL));
    CHECK(!grant_end(refs[0]));
}
