/*
 * The granter ends while its pages are mapped: the mapper keeps what it has until it lets go, and gets nothing more.
 *
 * The frames can't be anybody's again before that, whoever else wants memory. Nobody waits for the mapper: all else of the dead domain
 * is given back. Source: grant_table.h says nothing of it; the rule is that a mapping never changes under its owner's hands.
 */
#define PAIR
#include "grant.h"
#include "pair.h"
#include "test.h"

#define PAGES 20
#define REF   8

static u32 port;

static void lend_and_end(void)
{
    for (u64 i = 0; i < PAGES; i++) {
        u64 *page = page_alloc();

        page[0] = 1000 + i;
        grant_write(REF + (u32)i, i % 2 ? GTF_permit_access | GTF_readonly : GTF_permit_access,
                    pair_peer(), (u32)ptr_mfn(page));
    }
    pair_signal(port);
    pair_wait(port);
    TEST_PASS();
}

static void check_values(void)
{
    for (u64 i = 0; i < PAGES; i++) {
        u64 value;

        CHECK_NO_TRAP(probe_read64(SCRATCH_VA + i * PAGE_SIZE, &value));
        CHECK_EQ(value, 1000 + i);
    }
}

static void borrow(void)
{
    grant_handle_t handles[PAGES], one;

    for (u64 i = 0; i < PAGES; i++) {
        u64 va = SCRATCH_VA + i * PAGE_SIZE;

        map(va, ptr_mfn(&test_result), PTE_RO_PAGE);
        CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    }
    pair_wait(port);
    for (u64 i = 0; i < PAGES; i++)
        CHECK_RC(grant_map_at(SCRATCH_VA + i * PAGE_SIZE, pair_peer(), REF + (u32)i,
                              GNTMAP_host_map | (i % 2 ? GNTMAP_readonly : 0), &handles[i]),
                 GNTST_okay);
    pair_signal(port);
    pair_wait_gone(port);
    for (int i = 0; i < 200; i++)
        yield();
    check_values();
    CHECK_NO_TRAP(probe_write64(SCRATCH_VA + 8, 5));
    for (u64 i = 0; i < PAGES - 4; i++) /* four are left for the end */
        CHECK_RC(grant_unmap_at(SCRATCH_VA + i * PAGE_SIZE, handles[i]), GNTST_okay);
    CHECK(grant_map_at(SCRATCH_VA, pair_peer(), REF, GNTMAP_host_map, &one) < 0);
    CHECK_RC(grant_unmap_at(SCRATCH_VA, handles[0]), GNTST_bad_handle);
}

TEST
{
    port = pair_connect();
    if (pair_is_a())
        lend_and_end();
    else
        borrow();
}
