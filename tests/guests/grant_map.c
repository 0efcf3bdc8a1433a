/*
 * A grant is mapped, written, seen and taken back; while it is mapped the granter is told so and can't take it back.
 *
 * One guest plays both parts. The mapping is named by the address it maps, or by the machine address of its page-table entry. Each
 * mapping has a handle, and each handle ends once. Source: grant_table.h, above struct gnttab_map_grant_ref.
 */
#include "grant.h"
#include "test.h"

static domid_t self;

/* An address with an L1 table and nothing mapped. */
static u64 empty_page(void)
{
    static u64 next = SCRATCH_VA;
    u64 va = next;

    next += PAGE_SIZE;
    map(va, pfn_mfn(va_pfn(page_alloc())), PTE_RW_PAGE);
    CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    return va;
}

static u16 flags_of(grant_ref_t ref)
{
    return *(volatile u16 *)&grant_table(1)[ref].flags;
}

static void map_write_see(void)
{
    u64 *page = page_alloc(), va = empty_page(), value = 0;
    grant_ref_t ref = grant_access(self, ptr_mfn(page), GRANT_WRITABLE);
    grant_handle_t handle;

    page[5] = 0x1234;
    CHECK_RC(grant_map_at(va, self, ref, GNTMAP_host_map, &handle), GNTST_okay);
    CHECK_EQ(flags_of(ref), GTF_permit_access | GTF_reading | GTF_writing);
    CHECK_NO_TRAP(probe_read64(va + 40, &value));
    CHECK_EQ(value, 0x1234);
    CHECK_NO_TRAP(probe_write64(va, 0x5678));
    CHECK_EQ(page[0], 0x5678);
    CHECK_EQ(pte_mfn(*pte_of(va, 1)), ptr_mfn(page));
    CHECK(!grant_end(ref));
    CHECK_RC(grant_unmap_at(va, handle), GNTST_okay);
    CHECK_EQ(flags_of(ref), GTF_permit_access);
    CHECK_TRAP(probe_read64(va, &value), TRAP_PF);
    CHECK_RC(grant_unmap_at(va, handle), GNTST_bad_handle);
    CHECK(grant_end(ref));
    CHECK_RC(grant_map_at(va, self, ref, GNTMAP_host_map, &handle), GNTST_general_error);
}

static void read_only(void)
{
    u64 *page = page_alloc(), va = empty_page();
    grant_ref_t ref = grant_access(self, ptr_mfn(page), GRANT_READONLY);
    grant_handle_t first, second;
    u64 other = empty_page();

    CHECK_RC(grant_map_at(va, self, ref, GNTMAP_host_map, &first), GNTST_general_error);
    CHECK_RC(grant_map_at(va, self, ref, GNTMAP_host_map | GNTMAP_readonly, &first), GNTST_okay);
    CHECK_EQ(flags_of(ref), GTF_permit_access | GTF_readonly | GTF_reading);
    CHECK_NO_TRAP(probe_read64(va, NULL));
    CHECK_TRAP(probe_write64(va, 1), TRAP_PF);
    /* Mapped twice, it is in use until both are gone. */
    CHECK_RC(grant_map_at(other, self, ref, GNTMAP_host_map | GNTMAP_readonly, &second),
             GNTST_okay);
    CHECK(first != second);
    CHECK_RC(grant_unmap_at(other, first), GNTST_okay);
    CHECK(!grant_end(ref));
    CHECK_RC(grant_unmap_at(va, second), GNTST_okay);
    CHECK(grant_end(ref));
}

static void by_entry(void)
{
    u64 *page = page_alloc(), va = empty_page(), value;
    grant_ref_t ref = grant_access(self, ptr_mfn(page), GRANT_WRITABLE);
    u64 entry = ptr_maddr(pte_of(va, 1));
    u32 flags = GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_application_map;
    grant_handle_t handle;

    page[0] = 99;
    CHECK_RC(grant_map_at(entry + 4, self, ref, flags, &handle), GNTST_general_error);
    CHECK_RC(grant_map_at(ptr_maddr(page), self, ref, flags, &handle), GNTST_general_error);
    CHECK_RC(grant_map_at(entry, self, ref, flags | 1U << 16, &handle), GNTST_okay);
    CHECK_EQ(*pte_of(va, 1) & (PTE_AVAIL | PTE_RW | PTE_US), PTE_AVAIL | PTE_RW | PTE_US);
    CHECK_NO_TRAP(probe_read64(va, &value));
    CHECK_EQ(value, 99);
    CHECK_RC(grant_unmap_at(entry + 8, handle), GNTST_general_error);
    CHECK_RC(grant_unmap_at(entry, handle), GNTST_okay);
    CHECK_EQ(*pte_of(va, 1) & PTE_P, 0);
    CHECK(grant_end(ref));
}

/* Also what stands between: a bad one doesn't keep the others from being done. */
static void batch(void)
{
    struct gnttab_map_grant_ref maps[40] = { 0 };
    struct gnttab_unmap_grant_ref unmaps[40] = { 0 };
    grant_ref_t ref = grant_access(self, ptr_mfn(page_alloc()), GRANT_WRITABLE);

    for (int i = 0; i < 40; i++)
        maps[i] = (struct gnttab_map_grant_ref){ .host_addr = empty_page(),
                                                 .flags = GNTMAP_host_map,
                                                 .ref = i == 7 ? 511 : ref,
                                                 .dom = self };
    CHECK_RC(grant_table_op(GNTTABOP_map_grant_ref, maps, 40), 0);
    for (int i = 0; i < 40; i++) {
        CHECK_RC(maps[i].status, i == 7 ? GNTST_general_error : GNTST_okay);
        unmaps[i] = (struct gnttab_unmap_grant_ref){ .host_addr = maps[i].host_addr,
                                                     .handle = i == 7 ? 0xabcdef : maps[i].handle };
    }
    CHECK_RC(grant_table_op(GNTTABOP_unmap_grant_ref, unmaps, 40), 0);
    for (int i = 0; i < 40; i++) {
        CHECK_RC(unmaps[i].status, i == 7 ? GNTST_bad_handle : GNTST_okay);
        CHECK(*pte_of(maps[i].host_addr, 1) == 0);
    }
    CHECK(grant_end(ref));
}

TEST
{
    self = grant_own_domid();
    grant_table(1);
    map_write_see();
    read_only();
    by_entry();
    batch();
}
