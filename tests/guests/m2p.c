/*
 * The machine-to-physical table: every guest kernel reads it, none writes it, and for the guest's own frames it is right.
 *
 * A guest changes an entry for a frame of its own by MMU_MACHPHYS_UPDATE only; it can't for another's. The table is there for the
 * frames that the machine has; beyond, reading must fault rather than give nonsense (guests have exception-table entries for that).
 */
#include "test.h"

TEST
{
    struct xen_machphys_mapping where = { 0 };
    u64 pfn = pfn_alloc(), mfn = pfn_mfn(pfn), got;

    for (u64 i = 0; i < start_info->nr_pages; i++)
        CHECK_EQ(mfn_pfn(pfn_mfn(i)), i);

    CHECK_TRAP(probe_write64(MACH2PHYS_VIRT_START + 8 * mfn, 1), TRAP_PF);
    CHECK_RC(mmu_update_one(mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 0x123456), 0);
    CHECK_EQ(mfn_pfn(mfn), 0x123456);
    CHECK_RC(mmu_update_one(mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, pfn), 0);
    CHECK_EQ(mfn_pfn(mfn), pfn);
    CHECK_REFUSED(mmu_update_one(foreign_mfn() << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 1));
    CHECK_REFUSED(mmu_update_one((BIT(40) - 1) << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 1));

    CHECK_RC(memory_op(XENMEM_machphys_mapping, &where), 0);
    CHECK_EQ(where.v_start, MACH2PHYS_VIRT_START);
    CHECK(where.v_end > where.v_start && where.v_end <= MACH2PHYS_VIRT_END);
    CHECK(where.max_mfn >= mfn);
    CHECK_TRAP(probe_read64(MACH2PHYS_VIRT_END - 8, &got), TRAP_PF);
}
