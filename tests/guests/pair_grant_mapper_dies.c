/*
 * The mapper crashes with hundreds of mappings: the granter is told that each page is its own again, and then it is, for any use.
 */
#define PAIR
#include "grant.h"
#include "pair.h"
#include "test.h"

#define PAGES    12
#define MAPPINGS 300
#define REF      8

static u32 port;

static void lend(void)
{
    u64 *pages[PAGES];

    for (u64 i = 0; i < PAGES; i++) {
        pages[i] = page_alloc();
        page_readonly(pages[i]);
        grant_write(REF + (u32)i, GTF_permit_access, pair_peer(), (u32)ptr_mfn(pages[i]));
    }
    pair_signal(port);
    pair_wait(port);
    for (u64 i = 0; i < PAGES; i++)
        CHECK(!grant_end(REF + (u32)i));
    pair_signal(port);
    for (u64 i = 0; i < PAGES; i++) {
        while (!grant_end(REF + (u32)i))
            yield();
        s64 rc;
        while ((rc = mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(pages[i]))) != 0 && !on_koan())
            yield(); /* Xen tells first, and tears the mapper's tables down later */
        CHECK_RC(rc, 0);
    }
}

static void map_and_crash(void)
{
    grant_handle_t handle;

    pair_wait(port);
    for (u64 i = 0; i < MAPPINGS; i++) {
        u64 va = SCRATCH_VA + i * PAGE_SIZE;

        map(va, ptr_mfn(&test_result), PTE_RO_PAGE);
        CHECK_RC(grant_map_at(va, pair_peer(), REF + (u32)(i % PAGES),
                              GNTMAP_host_map | (i % 3 ? GNTMAP_readonly : 0), &handle),
                 GNTST_okay);
        if (i % 7 == 0)
            CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    }
    pair_signal(port);
    pair_wait(port);
    EXPECT_CRASH("page fault without a handler, with pages of the peer mapped");
    set_trap_table(NULL);
    *(volatile u64 *)0 = 0;
    TEST_FAIL("still here");
}

TEST
{
    port = pair_connect();
    if (pair_is_a())
        lend();
    else
        map_and_crash();
}
