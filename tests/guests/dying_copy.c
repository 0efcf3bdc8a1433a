/*
 * A domain ends in the midst of batches of grant copies: what a copy holds while it runs is given back. Source: grant_table.h.
 */
#define NEEDS_VCPUS 2
#include "dying.h"
#include "grant.h"

#define COPIES 64

static void work(u64 argument)
{
    static struct gnttab_copy batch[COPIES];
    domid_t self = grant_own_domid();
    u64 to = ptr_mfn(page_alloc());
    grant_ref_t ref = grant_access(self, ptr_mfn(page_alloc()), GRANT_READONLY);

    (void)argument;
    for (u32 i = 0; i < COPIES; i++) {
        batch[i].source.u.ref = ref;
        batch[i].source.domid = self;
        batch[i].dest.u.gmfn = to;
        batch[i].dest.domid = DOMID_SELF;
        batch[i].len = PAGE_SIZE;
        batch[i].flags = GNTCOPY_source_gref;
    }
    for (;;)
        dying_count(AMID(grant_table_op(GNTTABOP_copy, batch, COPIES)) == 0 &&
                    batch[COPIES - 1].status == GNTST_okay);
}

TEST
{
    grant_table(1);
    die_amid("a batch of grant copies", work);
}
