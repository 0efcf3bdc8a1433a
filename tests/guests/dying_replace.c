/*
 * A domain ends in the midst of a batch of unmap_and_replace: both the grants and the mappings that take their places end with it.
 * Source: grant_table.h.
 */
#define NEEDS_VCPUS 2
#include "dying.h"
#include "grant.h"

#define MAPS 32

static struct gnttab_map_grant_ref maps[MAPS];
static struct gnttab_unmap_and_replace ops[MAPS];
static struct multicall_entry clear[MAPS], refill[MAPS];

static bool all(struct multicall_entry *calls)
{
    bool good = multicall(calls, MAPS) == 0;

    for (u32 i = 0; i < MAPS; i++)
        good &= calls[i].result == 0;
    return good;
}

static void work(u64 argument)
{
    (void)argument;
    for (;;) {
        bool good = all(refill);

        good &= grant_table_op(GNTTABOP_map_grant_ref, maps, MAPS) == 0;
        for (u32 i = 0; i < MAPS; i++) {
            good &= maps[i].status == GNTST_okay;
            ops[i].handle = maps[i].handle;
        }
        good &= AMID(grant_table_op(GNTTABOP_unmap_and_replace, ops, MAPS)) == 0;
        for (u32 i = 0; i < MAPS; i++)
            good &= ops[i].status == GNTST_okay;
        dying_count(good && all(clear));
    }
}

TEST
{
    domid_t self = grant_own_domid();

    grant_table(1);
    for (u32 i = 0; i < MAPS; i++) {
        u64 lent = ptr_mfn(page_alloc()), instead = ptr_mfn(page_alloc());
        u64 at = SCRATCH_VA + i * PAGE_SIZE, from = SCRATCH_VA + (MAPS + i) * PAGE_SIZE;

        map(at, lent, PTE_RO_PAGE);
        map(from, instead, PTE_RO_PAGE);
        CHECK_RC(update_va_mapping(at, 0, UVMF_INVLPG), 0);
        maps[i].host_addr = ops[i].host_addr = at;
        ops[i].new_addr = from;
        maps[i].flags = GNTMAP_host_map;
        maps[i].dom = self;
        maps[i].ref = grant_access(self, lent, GRANT_WRITABLE);
        clear[i].op = refill[i].op = __HYPERVISOR_update_va_mapping;
        clear[i].args[0] = at;
        refill[i].args[0] = from;
        refill[i].args[1] = pte_make(instead, PTE_RW_PAGE);
        clear[i].args[2] = refill[i].args[2] = UVMF_INVLPG | UVMF_ALL;
    }
    die_amid("a batch of unmap_and_replace", work);
}
