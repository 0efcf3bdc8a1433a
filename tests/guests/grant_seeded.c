/*
 * An unprivileged domain starts with two grants, made by who built it: its console's ring and its store's are lent to domain 0, whose daemons map
 * them. Source: grant_table.h, GNTTAB_RESERVED_*.
 */
#include "grant.h"
#include "test.h"

static void check_entry(const struct grant_entry_v1 *e, u64 mfn)
{
    CHECK_EQ(e->flags, GTF_permit_access);
    CHECK_EQ(e->domid, 0);
    CHECK_EQ(e->frame, mfn);
}

TEST
{
    UNPRIVILEGED_ONLY();
    const struct grant_entry_v1 *table = grant_table(1);

    check_entry(&table[GNTTAB_RESERVED_CONSOLE], start_info->console.domU.mfn);
    check_entry(&table[GNTTAB_RESERVED_XENSTORE], start_info->store_mfn);
    for (u32 i = 2; i < GNTTAB_NR_RESERVED_ENTRIES; i++)
        CHECK_EQ(table[i].flags, 0);
}
