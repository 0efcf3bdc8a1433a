/*
 * The memory reservation: give frames back, ask what is left, get frames again, and not more than the domain may have.
 *
 * populate_physmap takes pfns and answers mfns, and sets the machine-to-physical table; the frames that come are zeroed or at least
 * free of anybody's data. Source: XENMEM_* in memory.h.
 */
#include "test.h"

static s64 op(u32 cmd, u64 *extents, u64 n, u32 order)
{
    struct xen_memory_reservation arg = {
        .extent_start = (u64)extents, .nr_extents = n, .extent_order = order, .domid = DOMID_SELF
    };

    return memory_op(cmd, &arg);
}

static s64 pages_now(void)
{
    struct xen_memory_domain self = { .domid = DOMID_SELF };

    return memory_op(XENMEM_current_reservation, &self);
}

TEST
{
    struct xen_memory_domain self = { .domid = DOMID_SELF };
    s64 before = pages_now();
    u64 pfns[3], frames[3];

    CHECK(before >= (s64)start_info->nr_pages);
    CHECK(memory_op(XENMEM_maximum_reservation, &self) >= before);
    CHECK(memory_op(XENMEM_maximum_ram_page, NULL) >= (s64)ptr_mfn(&self));

    for (int i = 0; i < 3; i++) {
        pfns[i] = pfn_alloc();
        frames[i] = pfn_mfn(pfns[i]);
    }
    CHECK_RC(op(XENMEM_decrease_reservation, frames, 3, 0), 3);
    CHECK_RC(pages_now(), before - 3);
    CHECK_REFUSED(
        update_va_mapping((u64)page_alloc(), pte_make(frames[0], PTE_RO_PAGE), UVMF_INVLPG));

    memcpy(frames, pfns, sizeof(frames));
    CHECK_RC(op(XENMEM_populate_physmap, frames, 3, 0), 3);
    CHECK_RC(pages_now(), before);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(mfn_pfn(frames[i]), pfns[i]);
        map(SCRATCH_VA, frames[i], PTE_RW_PAGE);
        CHECK_NO_TRAP(probe_write64(SCRATCH_VA, i));
    }
    CHECK_RC(op(XENMEM_decrease_reservation, NULL, 0, 0), 0);
    CHECK_RC(op(XENMEM_decrease_reservation, (u64 *)0x123456789000, 1, 0), 0);
}
