/*
 * Copies from a granted frame into one's own, the other way, and between two granted frames; and what is refused.
 *
 * One guest plays both parts. While nobody copies, the granter sees its grants unused. Source: grant_table.h, above struct gnttab_copy.
 */
#include "grant.h"
#include "test.h"

static domid_t self;
static u8 *page, *other;
static grant_ref_t shared, readonly;

static struct grant_side granted(grant_ref_t ref, u16 offset)
{
    return (struct grant_side){ true, self, ref, offset };
}

static struct grant_side own(const void *va, u16 offset)
{
    return (struct grant_side){ false, DOMID_SELF, ptr_mfn(va), offset };
}

static s64 copy(struct grant_side to, struct grant_side from, u16 length)
{
    return grant_copy(&to, &from, length);
}

static void both_ways(void)
{
    for (int i = 0; i < (int)PAGE_SIZE; i++)
        page[i] = (u8)(i * 7);
    CHECK_RC(copy(own(other, 100), granted(shared, 30), 1000), GNTST_okay);
    CHECK(memcmp(other + 100, page + 30, 1000) == 0);
    CHECK_EQ(other[99], 0);
    CHECK_EQ(other[1100], 0);
    CHECK_RC(copy(own(other, 0), granted(readonly, 0), PAGE_SIZE), GNTST_okay);
    CHECK(memcmp(other, page, PAGE_SIZE) == 0);
    memset(other, 0x5a, PAGE_SIZE);
    CHECK_RC(copy(granted(shared, 4000), own(other, 0), 96), GNTST_okay);
    CHECK_EQ(page[3999], (u8)(3999 * 7));
    CHECK_EQ(page[4000], 0x5a);
    CHECK_RC(copy(own(other, 0), own(page, 0), 16), GNTST_okay);
    CHECK(memcmp(other, page, 16) == 0);
    CHECK_RC(copy(own(other, 0), own(page, 0), 0), GNTST_okay);
    CHECK_RC(copy(granted(shared, 8), granted(readonly, 0), 8), GNTST_okay);
    CHECK(memcmp(page, page + 8, 8) == 0);
    CHECK(grant_table(1)[shared].flags == GTF_permit_access);
}

static void refused(void)
{
    u64 *table = table_alloc();

    CHECK_RC(copy(own(other, 4090), granted(shared, 0), 7), GNTST_bad_copy_arg);
    CHECK_RC(copy(own(other, 0), granted(shared, 4090), 7), GNTST_bad_copy_arg);
    CHECK_RC(copy(granted(readonly, 0), own(other, 0), 8), GNTST_general_error);
    CHECK_RC(copy(granted(500, 0), own(other, 0), 8), GNTST_general_error);
    CHECK_RC(copy(own(other, 0), granted(1000000, 0), 8), GNTST_bad_gntref);
    CHECK(copy((struct grant_side){ false, DOMID_SELF, foreign_mfn(), 0 }, own(other, 0), 8) < 0);
    CHECK(copy(own(other, 0), (struct grant_side){ false, DOMID_SELF, foreign_mfn(), 0 }, 8) < 0);
    CHECK_RC(copy(own(other, 0), (struct grant_side){ false, self, ptr_mfn(page), 0 }, 8),
             GNTST_permission_denied);
    CHECK_RC(copy(own(other, 0), (struct grant_side){ true, 0x7000, shared, 0 }, 8),
             GNTST_bad_domain);
    /* A page table can be read, but not written: not even by somebody else's hand. */
    CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(table)), 0);
    CHECK_RC(copy(own(other, 0), own(table, 0), 8), GNTST_okay);
    CHECK_RC(copy(own(table, 0), own(other, 0), 8), GNTST_general_error);
    grant_ref_t ref = grant_access(self, ptr_mfn(table), GRANT_WRITABLE);
    CHECK_RC(copy(granted(ref, 0), own(other, 0), 8), GNTST_general_error);
    CHECK(grant_table(1)[ref].flags == GTF_permit_access);
    CHECK(grant_table(1)[shared].flags == GTF_permit_access);
}

TEST
{
    self = grant_own_domid();
    page = page_alloc();
    other = page_alloc();
    shared = grant_access(self, ptr_mfn(page), GRANT_WRITABLE);
    readonly = grant_access(self, ptr_mfn(page), GRANT_READONLY);
    both_ways();
    refused();
}
