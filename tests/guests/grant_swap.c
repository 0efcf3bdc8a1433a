/*
 * GNTTABOP_swap_grant_ref: two entries of one's own table change places, in a list of operations with a status each. An entry that is in use stays
 * where it is; one that doesn't exist is refused; the list goes on after either. A list that is too long to be done at once is taken up again where
 * it was left: no operation is done twice or left out.
 *
 * Source: grant_table.h.
 */
#include "grant.h"
#include "test.h"
#include "time.h"

#define REF  8
#define LONG 12288 /* operations: some milliseconds, so that something comes between */
#define RING 7     /* entries that the long list turns round */

static struct grant_entry_v1 *table;
static struct gnttab_swap_grant_ref list[LONG];

static s64 swap(grant_ref_t a, grant_ref_t b)
{
    struct gnttab_swap_grant_ref op = { .ref_a = a, .ref_b = b, .status = 99 };
    s64 rc = grant_table_op(GNTTABOP_swap_grant_ref, &op, 1);

    return rc ? rc : op.status;
}

/* An entry that is told by its frame alone: the domain is nobody, so that it lends nothing. */
static void put(grant_ref_t ref, u32 frame)
{
    grant_write(ref, GTF_permit_access, 0x7000, frame);
}

static void check_single(void)
{
    grant_write(REF, GTF_permit_access | GTF_readonly, 0x7000, 100);
    grant_write(REF + 1, 0, 0, 0);
    CHECK_RC(swap(REF, REF + 1), GNTST_okay);
    CHECK_EQ(table[REF].flags, 0);
    CHECK_EQ(table[REF].frame, 0);
    CHECK_EQ(table[REF + 1].flags, GTF_permit_access | GTF_readonly);
    CHECK_EQ(table[REF + 1].domid, 0x7000);
    CHECK_EQ(table[REF + 1].frame, 100);
    CHECK_RC(swap(REF + 1, REF + 1), GNTST_okay);
    CHECK_EQ(table[REF + 1].frame, 100);
    CHECK_RC(swap(REF, ~0U), GNTST_bad_gntref);
    CHECK_RC(swap(~0U, REF), GNTST_bad_gntref);
    CHECK_RC(grant_table_op(GNTTABOP_swap_grant_ref, (void *)0x123456789000, 1), -XEN_EFAULT);
    CHECK_RC(grant_table_op(GNTTABOP_swap_grant_ref, NULL, 0), 0);
}

/* A grant of this domain to itself, mapped by itself: the handle goes with the entry's number. */
static void check_in_use(void)
{
    domid_t self = grant_own_domid();
    u64 *page = page_alloc();
    grant_handle_t handle;

    page[0] = 4711;
    map(SCRATCH_VA, ptr_mfn(page), PTE_RO_PAGE); /* so that there is a table */
    CHECK_RC(update_va_mapping(SCRATCH_VA, 0, UVMF_INVLPG), 0);
    grant_write(REF, GTF_permit_access, self, (u32)ptr_mfn(page));
    put(REF + 1, 101);
    CHECK_RC(grant_map_at(SCRATCH_VA, self, REF, GNTMAP_host_map, &handle), GNTST_okay);
    CHECK_RC(swap(REF, REF + 1), GNTST_eagain);
    CHECK_RC(swap(REF + 1, REF), GNTST_eagain);
    CHECK_EQ(table[REF].frame, (u32)ptr_mfn(page));
    CHECK_EQ(table[REF + 1].frame, 101);
    CHECK_RC(grant_unmap_at(SCRATCH_VA, handle), GNTST_okay);
    CHECK_RC(swap(REF, REF + 1), GNTST_okay);

    /* Lent under its new number, not under the old one any more. */
    CHECK(grant_map_at(SCRATCH_VA, self, REF, GNTMAP_host_map, &handle) != GNTST_okay);
    CHECK_RC(grant_map_at(SCRATCH_VA, self, REF + 1, GNTMAP_host_map, &handle), GNTST_okay);
    CHECK_EQ(*(volatile u64 *)SCRATCH_VA, 4711);
    CHECK_RC(grant_unmap_at(SCRATCH_VA, handle), GNTST_okay);
    CHECK(grant_end(REF + 1));
}

/* A bad one and one that can't be read, in the middle: the rest of the list is done in the first case, what stands before it in the second. */
static void check_list(void)
{
    for (u32 i = 0; i < 3; i++)
        put(REF + i, 200 + i);
    list[0] = (struct gnttab_swap_grant_ref){ REF, REF + 1, 99 };
    list[1] = (struct gnttab_swap_grant_ref){ REF, ~0U, 99 };
    list[2] = (struct gnttab_swap_grant_ref){ REF + 1, REF + 2, 99 };
    CHECK_RC(grant_table_op(GNTTABOP_swap_grant_ref, list, 3), 0);
    CHECK_RC(list[0].status, GNTST_okay);
    CHECK_RC(list[1].status, GNTST_bad_gntref);
    CHECK_RC(list[2].status, GNTST_okay);
    CHECK_EQ(table[REF].frame, 201);
    CHECK_EQ(table[REF + 1].frame, 202);
    CHECK_EQ(table[REF + 2].frame, 200);

    u64 end = (u64)page_alloc() + PAGE_SIZE; /* the page behind it is taken away */
    u64 *behind = page_alloc();
    SETUP((u64)behind == end);
    CHECK_RC(update_va_mapping(end, 0, UVMF_INVLPG), 0);
    struct gnttab_swap_grant_ref *last = (void *)(end - sizeof(*last));
    *last = (struct gnttab_swap_grant_ref){ REF, REF + 2, 99 };
    CHECK_RC(grant_table_op(GNTTABOP_swap_grant_ref, last, 2), -XEN_EFAULT);
    CHECK_RC(last->status, GNTST_okay);
    CHECK_EQ(table[REF].frame, 200);
}

/*
 * Each step exchanges an entry with the next one, so the order of the steps and their number both show in the end. What should come of it is worked
 * out here, on the side.
 */
static void check_long(void)
{
    u32 wanted[RING];

    for (u32 i = 0; i < RING; i++)
        put(REF + i, wanted[i] = 300 + i);
    for (u32 i = 0; i < LONG; i++) {
        u32 a = i % RING, b = (i + 1 + i / RING % (RING - 2)) % RING, kept = wanted[a];

        list[i] = (struct gnttab_swap_grant_ref){ REF + a, REF + b, 99 };
        wanted[a] = wanted[b];
        wanted[b] = kept;
    }
    CHECK_RC(grant_table_op(GNTTABOP_swap_grant_ref, list, LONG), 0);
    for (u32 i = 0; i < LONG; i++)
        CHECK_RC(list[i].status, GNTST_okay);
    for (u32 i = 0; i < RING; i++)
        CHECK_EQ(table[REF + i].frame, wanted[i]);
}

TEST
{
    table = grant_table(1);
    check_single();
    check_in_use();
    check_list();
    u64 until = system_time() + 50000000; /* several slices of a scheduler */
    do
        check_long();
    while (system_time() < until);
}
