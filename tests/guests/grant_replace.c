/*
 * unmap_and_replace: a mapping of a grant gives way to one that is taken from another address, in one step, so that nobody ever finds
 * the place empty. And what becomes of a frame that is given up while it is mapped: it stays there until it is unmapped.
 *
 * Linux's gntdev and the old block backend use it for pages that programs look at. Source: grant_table.h, above struct
 * gnttab_unmap_and_replace; XENMEM_decrease_reservation in memory.h.
 */
#include "grant.h"
#include "test.h"

static domid_t self;

static u64 place(u64 n, u64 mfn)
{
    u64 va = SCRATCH_VA + n * PAGE_SIZE;

    map(va, mfn, PTE_RW_PAGE);
    return va;
}

static s64 replace(u64 va, u64 from, grant_handle_t handle)
{
    struct gnttab_unmap_and_replace op = { .host_addr = va, .new_addr = from, .handle = handle };
    s64 rc = grant_table_op(GNTTABOP_unmap_and_replace, &op, 1);

    return rc ? rc : op.status;
}

static void replaced(void)
{
    u64 *lent = page_alloc(), *instead = page_alloc(), value;
    u64 va = place(0, ptr_mfn(lent)), from = place(1, ptr_mfn(instead));
    grant_ref_t ref = grant_access(self, ptr_mfn(lent), GRANT_WRITABLE);
    grant_handle_t handle;

    lent[0] = 1;
    instead[0] = 2;
    CHECK_RC(grant_map_at(va, self, ref, GNTMAP_host_map, &handle), GNTST_okay);
    CHECK_NO_TRAP(probe_read64(va, &value));
    CHECK_EQ(value, 1);
    CHECK_RC(replace(va, 0x0000123456789000, handle), GNTST_general_error);
    CHECK_NO_TRAP(probe_read64(va, &value));
    CHECK_EQ(value, 1);
    CHECK_RC(replace(va, from, handle), GNTST_okay);
    CHECK_NO_TRAP(probe_read64(va, &value));
    CHECK_EQ(value, 2);
    CHECK_TRAP(probe_read64(from, &value), TRAP_PF);
    CHECK(grant_end(ref));
    CHECK_RC(replace(va, from, handle), GNTST_bad_handle);
}

static s64 give_up(u64 mfn)
{
    struct xen_memory_reservation r = { .extent_start = (u64)&mfn,
                                        .nr_extents = 1,
                                        .domid = DOMID_SELF };

    return memory_op(XENMEM_decrease_reservation, &r);
}

static void given_up(void)
{
    u64 pfn = pfn_alloc(), mfn = pfn_mfn(pfn), va = place(2, mfn), value;
    grant_ref_t ref = grant_access(self, mfn, GRANT_WRITABLE);
    grant_handle_t handle;

    CHECK_RC(grant_map_at(va, self, ref, GNTMAP_host_map, &handle), GNTST_okay);
    CHECK_NO_TRAP(probe_write64(va, 77));
    CHECK_RC(give_up(mfn), 1);
    CHECK_NO_TRAP(probe_read64(va, &value));
    CHECK_EQ(value, 77);
    CHECK(!grant_end(ref));
    CHECK_RC(grant_unmap_at(va, handle), GNTST_okay);
    CHECK(grant_end(ref));
    CHECK_TRAP(probe_read64(va, &value), TRAP_PF);
}

/* The entry is overwritten: the handle leads nowhere then, and what it stood for stays in use. */
static void overwritten(void)
{
    u64 *lent = page_alloc(), va = place(4, ptr_mfn(lent));
    grant_ref_t ref = grant_access(self, ptr_mfn(lent), GRANT_WRITABLE);
    grant_handle_t handle;

    CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    CHECK_RC(grant_map_at(va, self, ref, GNTMAP_host_map, &handle), GNTST_okay);
    CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    CHECK_RC(grant_unmap_at(va, handle), GNTST_general_error);
    CHECK(!grant_end(ref));
}

TEST
{
    self = grant_own_domid();
    replaced();
    given_up();
    overwritten();
}
