/*
 * A whole tree is validated from its root and released from its root: tables that only the tree referred to become plain pages.
 *
 * L4 -> L3 -> 2 x L2 -> 4 x L1 -> data pages. One L1 is pinned by itself besides, and another hangs in two places; both must
 * outlive exactly as long as somebody refers to them. Source: "pin = one extra typed reference", checklist section 5.
 */
#include "test.h"

static u64 *l4, *l3, *l2[2], *l1[4], *data;

static void build(void)
{
    l4 = page_alloc();
    l3 = page_alloc();
    data = page_alloc();
    for (int i = 0; i < 4; i++) {
        l1[i] = page_alloc();
        l1[i][i] = pte_make(ptr_mfn(data), PTE_RW_PAGE);
        page_readonly(l1[i]);
    }
    for (int i = 0; i < 2; i++) {
        l2[i] = page_alloc();
        l2[i][0] = pte_make(ptr_mfn(l1[2 * i]), PTE_TABLE);
        l2[i][511] = pte_make(ptr_mfn(l1[2 * i + 1]), PTE_TABLE);
        page_readonly(l2[i]);
    }
    l3[10] = pte_make(ptr_mfn(l2[0]), PTE_TABLE);
    l3[20] = pte_make(ptr_mfn(l2[1]), PTE_TABLE);
    page_readonly(l3);
    l4[1] = pte_make(ptr_mfn(l3), PTE_TABLE);
    page_readonly(l4);
}

TEST
{
    build();
    CHECK_RC(mmuext_one(MMUEXT_PIN_L4_TABLE, ptr_mfn(l4)), 0);
    CHECK(!page_can_be_written(l4) && !page_can_be_written(l3) && !page_can_be_written(l2[1]) &&
          !page_can_be_written(l1[3]));

    CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(l1[0])), 0);
    CHECK_RC(pte_write(&l2[1][5], pte_make(ptr_mfn(l1[1]), PTE_TABLE)), 0);
    CHECK_RC(pte_write(&l3[10], 0),
             0); /* l2[0] goes, and with it one reference to l1[0] and l1[1] */
    CHECK(page_can_be_written(l2[0]));
    CHECK(!page_can_be_written(l1[0]) && !page_can_be_written(l1[1]));

    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(l4)), 0);
    CHECK(page_can_be_written(l4) && page_can_be_written(l3) && page_can_be_written(l2[1]));
    CHECK(page_can_be_written(l1[1]) && page_can_be_written(l1[2]) && page_can_be_written(l1[3]));
    CHECK(!page_can_be_written(l1[0]));
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(l1[0])), 0);
    CHECK(page_can_be_written(l1[0]));

    page_readonly(
        data); /* the only writable mapping that is left: the data page can become a table */
    CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(data)), 0);
}
