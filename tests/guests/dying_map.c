/*
 * A domain ends in the midst of batches of grant mappings and their unmappings: all uses end, whoever holds them. Source: grant_table.h.
 */
#define NEEDS_VCPUS 2
#include "dying.h"
#include "grant.h"

#define MAPS 32

static struct gnttab_map_grant_ref maps[MAPS];
static struct gnttab_unmap_grant_ref unmaps[MAPS];

static void work(u64 argument)
{
    (void)argument;
    for (;;) {
        bool good = AMID(grant_table_op(GNTTABOP_map_grant_ref, maps, MAPS)) == 0;

        for (u32 i = 0; i < MAPS; i++) {
            good &= maps[i].status == GNTST_okay;
            unmaps[i].host_addr = maps[i].host_addr;
            unmaps[i].handle = maps[i].handle;
        }
        good &= AMID(grant_table_op(GNTTABOP_unmap_grant_ref, unmaps, MAPS)) == 0;
        dying_count(good);
    }
}

TEST
{
    domid_t self = grant_own_domid();

    grant_table(1);
    for (u32 i = 0; i < MAPS; i++) {
        u64 mfn = ptr_mfn(page_alloc());

        maps[i].host_addr = SCRATCH_VA + i * PAGE_SIZE;
        maps[i].flags = GNTMAP_host_map;
        maps[i].dom = self;
        maps[i].ref = grant_access(self, mfn, GRANT_WRITABLE);
        map(maps[i].host_addr, mfn, PTE_RO_PAGE);
        CHECK_RC(update_va_mapping(maps[i].host_addr, 0, UVMF_INVLPG), 0);
    }
    die_amid("a batch of grant mappings", work);
}
