/*
 * A lends pages to b, which maps and copies them, reads what a wrote and writes what a reads; each is told what the other may not.
 *
 * What b has mapped is a's, so b can make no second mapping of it by its page tables, nor turn a read-only one into a writable one; and a
 * may use the page for anything again, as a page table too, once b has let go. Source: grant_table.h; mm rules in kernel/mm/frame.h.
 */
#define PAIR
#include "grant.h"
#include "pair.h"
#include "test.h"

/* Both know by number what is lent. */
enum { SHARED = 8, READONLY, NOT_YOURS, NOT_MINE, TABLE };

#define WORDS 16

static u32 port;

static void step(void)
{
    pair_signal(port);
    pair_wait(port);
}

static u16 flags_of(grant_ref_t ref)
{
    return *(volatile u16 *)&grant_table(1)[ref].flags;
}

/* A frame that it has given back. (One beside its own might be its own, too: Xen's pages that it shares with a domain have no pfn.) */
static u64 nobodys_mfn(void)
{
    u64 mfn = pfn_mfn(pfn_alloc());
    struct xen_memory_reservation r = { .extent_start = (u64)&mfn,
                                        .nr_extents = 1,
                                        .domid = DOMID_SELF };

    CHECK_RC(memory_op(XENMEM_decrease_reservation, &r), 1);
    return mfn;
}

static void lend(void)
{
    u64 *page = page_alloc(), *readonly = page_alloc(), *table = table_alloc();
    domid_t b = pair_peer();

    for (u64 i = 0; i < WORDS; i++)
        page[i] = readonly[i] = 100 + i;
    CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(table)), 0);
    grant_write(SHARED, GTF_permit_access, b, (u32)ptr_mfn(page));
    grant_write(READONLY, GTF_permit_access | GTF_readonly, b, (u32)ptr_mfn(readonly));
    grant_write(NOT_YOURS, GTF_permit_access, b + 100, (u32)ptr_mfn(page));
    grant_write(NOT_MINE, GTF_permit_access, b, (u32)nobodys_mfn());
    grant_write(TABLE, GTF_permit_access, b, (u32)ptr_mfn(table));
    step(); /* b maps */
    CHECK_EQ(page[0], 7);
    CHECK_EQ(page[4], 104);
    CHECK_EQ(page[WORDS], 55); /* by a copy */
    CHECK_EQ(flags_of(SHARED), GTF_permit_access | GTF_reading | GTF_writing);
    CHECK_EQ(flags_of(READONLY), GTF_permit_access | GTF_readonly | GTF_reading);
    CHECK_EQ(flags_of(NOT_YOURS), GTF_permit_access);
    CHECK_EQ(flags_of(NOT_MINE), GTF_permit_access);
    CHECK_EQ(flags_of(TABLE), GTF_permit_access);
    CHECK(!grant_end(SHARED));
    page[1] = 8;
    page_readonly(page);
    memset(readonly, 0, PAGE_SIZE);
    CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(page)));
    step(); /* b unmaps */
    CHECK(grant_end(SHARED));
    CHECK(grant_end(READONLY));
    page_writable(page);
    memset(page, 0, PAGE_SIZE);
    page_readonly(page);
    CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(page)), 0);
    step(); /* b tries again */
}

static u64 window(u64 n)
{
    u64 va = SCRATCH_VA + n * PAGE_SIZE;

    map(va, ptr_mfn(&test_result), PTE_RO_PAGE);
    CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    return va;
}

static void check_refused(u64 va)
{
    grant_handle_t handle;
    domid_t a = pair_peer();

    CHECK_RC(grant_map_at(va, a, READONLY, GNTMAP_host_map, &handle), GNTST_general_error);
    CHECK_RC(grant_map_at(va, a, NOT_YOURS, GNTMAP_host_map, &handle), GNTST_general_error);
    CHECK_RC(grant_map_at(va, a, NOT_MINE, GNTMAP_host_map, &handle), GNTST_bad_page);
    CHECK_RC(grant_map_at(va, a, NOT_MINE, GNTMAP_host_map | GNTMAP_readonly, &handle),
             GNTST_bad_page);
    CHECK_RC(grant_map_at(va, a, TABLE, GNTMAP_host_map, &handle), GNTST_general_error);
    CHECK_RC(grant_map_at(va, a, 1000000, GNTMAP_host_map, &handle), GNTST_bad_gntref);
    CHECK_TRAP(probe_read64(va, NULL), TRAP_PF);
}

/* By one's page tables nothing of the kind is to be had. */
static void check_duplicates(u64 shared, u64 readonly, u64 other)
{
    u64 entry = *pte_of(shared, 1), frame = pte_mfn(*pte_of(readonly, 1));
    u64 *table = page_alloc();

    CHECK_REFUSED(update_va_mapping(other, entry, UVMF_INVLPG));
    CHECK_REFUSED(update_va_mapping(other, pte_make(frame, PTE_RO_PAGE), UVMF_INVLPG));
    CHECK_REFUSED(update_va_mapping(readonly, pte_make(frame, PTE_RW_PAGE), UVMF_INVLPG));
    CHECK_REFUSED(pte_write(pte_of(other, 1), entry));
    table[3] = entry;
    page_readonly(table);
    CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(table)));
    CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, frame));
    CHECK_TRAP(probe_write64(readonly, 1), TRAP_PF);
}

static void check_copies(u64 *own)
{
    domid_t a = pair_peer();
    struct grant_side mine = { false, DOMID_SELF, ptr_mfn(own), 0 };
    struct grant_side shared = { true, a, SHARED, WORDS * 8 };
    struct grant_side readonly = { true, a, READONLY, 8 };

    CHECK_RC(grant_copy(&mine, &readonly, 8), GNTST_okay);
    CHECK_EQ(own[0], 101);
    CHECK_RC(grant_copy(&readonly, &mine, 8), GNTST_general_error);
    own[0] = 55;
    CHECK_RC(grant_copy(&shared, &mine, 8), GNTST_okay);
    shared.ref_or_mfn = NOT_YOURS;
    CHECK_RC(grant_copy(&shared, &mine, 8), GNTST_general_error);
    CHECK_RC(grant_copy(&mine, &shared, 8), GNTST_general_error);
    shared.ref_or_mfn = NOT_MINE;
    CHECK_RC(grant_copy(&mine, &shared, 8), GNTST_bad_page);
    shared.ref_or_mfn = TABLE;
    CHECK_RC(grant_copy(&shared, &mine, 8), GNTST_general_error);
    shared.granted = false;
    CHECK_RC(grant_copy(&mine, &shared, 8), GNTST_permission_denied);
}

static void borrow(void)
{
    u64 shared = window(0), readonly = window(1), other = window(2), value;
    grant_handle_t handles[2];
    domid_t a = pair_peer();

    pair_wait(port);
    check_refused(shared);
    CHECK_RC(grant_map_at(shared, a, SHARED, GNTMAP_host_map, &handles[0]), GNTST_okay);
    CHECK_RC(grant_map_at(readonly, a, READONLY, GNTMAP_host_map | GNTMAP_readonly, &handles[1]),
             GNTST_okay);
    CHECK_NO_TRAP(probe_read64(shared + 32, &value));
    CHECK_EQ(value, 104);
    CHECK_NO_TRAP(probe_read64(readonly + 8, &value));
    CHECK_EQ(value, 101);
    CHECK_NO_TRAP(probe_write64(shared, 7));
    check_duplicates(shared, readonly, other);
    check_copies(page_alloc());
    step(); /* a looks */
    CHECK_NO_TRAP(probe_read64(shared + 8, &value));
    CHECK_EQ(value, 8);
    CHECK_RC(grant_unmap_at(shared, handles[0]), GNTST_okay);
    CHECK_RC(grant_unmap_at(readonly, handles[1]), GNTST_okay);
    CHECK_TRAP(probe_read64(shared, &value), TRAP_PF);
    step(); /* a takes back */
    CHECK_RC(grant_map_at(shared, a, SHARED, GNTMAP_host_map, &handles[0]), GNTST_general_error);
    pair_signal(port);
}

TEST
{
    port = pair_connect();
    if (pair_is_a())
        lend();
    else
        borrow();
}
