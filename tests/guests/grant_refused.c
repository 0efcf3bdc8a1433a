/*
 * What a mapping of a grant is refused for, each with its own status, and that nothing has happened then.
 *
 * The frame must be the granter's own, the entry must say this domain and this access, the place must have a page-table entry of the
 * mapper's own, and the handle of an unmapping must be a true one. Source: grant_table.h; statuses as Xen 4.17 gives them.
 */
#include "grant.h"
#include "test.h"

static domid_t self;
static u64 va;
static u8 *page;

static s64 try_map(u64 at, domid_t from, grant_ref_t ref, u32 flags)
{
    grant_handle_t handle;

    return grant_map_at(at, from, ref, flags, &handle);
}

static void bad_entries(void)
{
    grant_ref_t ref = grant_access(self, ptr_mfn(page), GRANT_WRITABLE);

    CHECK_RC(try_map(va, self, 1000000, GNTMAP_host_map), GNTST_bad_gntref);
    CHECK_RC(try_map(va, 0x7000, ref, GNTMAP_host_map), GNTST_bad_domain);
    CHECK_RC(try_map(va, DOMID_SELF, ref, GNTMAP_host_map), GNTST_bad_domain);
    CHECK_RC(try_map(va, self, ref, 0), GNTST_bad_gntref);
    grant_write(ref, GTF_permit_access, self + 1, (u32)ptr_mfn(page));
    CHECK_RC(try_map(va, self, ref, GNTMAP_host_map), GNTST_general_error);
    grant_write(ref, GTF_invalid, self, (u32)ptr_mfn(page));
    CHECK_RC(try_map(va, self, ref, GNTMAP_host_map), GNTST_general_error);
    grant_write(ref, GTF_accept_transfer, self, (u32)ptr_mfn(page));
    CHECK_RC(try_map(va, self, ref, GNTMAP_host_map), GNTST_general_error);
    CHECK_EQ(grant_table(1)[ref].flags, GTF_accept_transfer);
}

/* Frames that are not the granter's, whoever's they are; and a table of its own, for writing. */
static void bad_frames(void)
{
    u64 *table = table_alloc();
    grant_ref_t ref = grant_access(self, foreign_mfn(), GRANT_WRITABLE);

    CHECK_RC(try_map(va, self, ref, GNTMAP_host_map), GNTST_bad_page);
    CHECK_RC(try_map(va, self, ref, GNTMAP_host_map | GNTMAP_readonly), GNTST_bad_page);
    grant_write(ref, GTF_permit_access, self, 0xffffffff);
    CHECK_RC(try_map(va, self, ref, GNTMAP_host_map), GNTST_bad_page);
    CHECK_EQ(grant_table(1)[ref].flags, GTF_permit_access);
    CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(table)), 0);
    grant_write(ref, GTF_permit_access, self, (u32)ptr_mfn(table));
    CHECK_RC(try_map(va, self, ref, GNTMAP_host_map), GNTST_general_error);
    CHECK_EQ(grant_table(1)[ref].flags, GTF_permit_access);
    CHECK_EQ(*pte_of(va, 1), 0);
}

static void bad_places(void)
{
    static const u64 places[] = { 0x0000123456789000, 0x0000800000000000, 0xffff800000000000,
                                  0xffff830000000000, 0xfffffffffffff000 };
    grant_ref_t ref = grant_access(self, ptr_mfn(page), GRANT_WRITABLE);
    u32 by_entry = GNTMAP_host_map | GNTMAP_contains_pte;

    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        CHECK_RC(try_map(places[i], self, ref, GNTMAP_host_map), GNTST_general_error);
    /* Entries in no table, in tables above L1, in frames of others, and between two entries. */
    CHECK_RC(try_map(ptr_maddr(page), self, ref, by_entry), GNTST_general_error);
    for (int level = 2; level <= 4; level++)
        CHECK_RC(try_map(ptr_maddr(pte_of(va, level)), self, ref, by_entry), GNTST_general_error);
    CHECK_RC(try_map(foreign_mfn() << PAGE_SHIFT, self, ref, by_entry), GNTST_general_error);
    CHECK_RC(try_map(0xfffffffffffff000, self, ref, by_entry), GNTST_general_error);
    CHECK_RC(try_map(ptr_maddr(pte_of(va, 1)) + 1, self, ref, by_entry), GNTST_general_error);
    CHECK_EQ(grant_table(1)[ref].flags, GTF_permit_access);
}

static void bad_unmaps(void)
{
    grant_ref_t ref = grant_access(self, ptr_mfn(page), GRANT_WRITABLE);
    grant_handle_t handle;

    CHECK_RC(grant_map_at(va, self, ref, GNTMAP_host_map, &handle), GNTST_okay);
    CHECK_RC(grant_unmap_at(va, 0xffffffff), GNTST_bad_handle);
    CHECK_RC(grant_unmap_at(va, 100000), GNTST_bad_handle);
    CHECK_RC(grant_unmap_at(va + PAGE_SIZE, handle), GNTST_general_error);
    CHECK_RC(grant_unmap_at((u64)page_alloc(), handle), GNTST_general_error);
    CHECK_RC(grant_unmap_at(0x0000123456789000, handle), GNTST_general_error);
    CHECK_RC(grant_unmap_at(0, handle), GNTST_okay); /* nothing is asked, nothing is done */
    CHECK(!grant_end(ref));
    CHECK_NO_TRAP(probe_write64(va, 1));
    CHECK_RC(grant_unmap_at(va, handle), GNTST_okay);
    CHECK_RC(grant_unmap_at(va, handle), GNTST_bad_handle);
    CHECK(grant_end(ref));
}

/* A list that ends where nothing is mapped: what stands before it is done. */
static void half_a_list(void)
{
    grant_ref_t ref = grant_access(self, ptr_mfn(page), GRANT_WRITABLE);
    u8 *last = page_alloc(), *behind = page_alloc();
    struct gnttab_map_grant_ref *op = (void *)(last + PAGE_SIZE - sizeof(*op));

    SETUP(behind == last + PAGE_SIZE);
    page_unmap(behind);
    *op = (struct gnttab_map_grant_ref){
        .host_addr = va, .flags = GNTMAP_host_map, .ref = ref, .dom = self, .status = 1
    };
    CHECK_RC(grant_table_op(GNTTABOP_map_grant_ref, op, 2), -XEN_EFAULT);
    CHECK_RC(op->status, GNTST_okay);
    CHECK_RC(grant_unmap_at(va, op->handle), GNTST_okay);
}

TEST
{
    self = grant_own_domid();
    page = page_alloc();
    va = SCRATCH_VA;
    map(va, ptr_mfn(page), PTE_RW_PAGE);
    CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    bad_entries();
    bad_frames();
    bad_places();
    bad_unmaps();
    half_a_list();
}
