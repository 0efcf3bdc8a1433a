/*
 * A table has one level: pinned as one, it cannot be pinned or linked as another.
 *
 * An L1 that also served as L2 would let its entries, which may map any page, name tables. Source: page types, checklist section 5.
 */
#include "test.h"

TEST
{
    u64 *table = table_alloc();
    u64 mfn = ptr_mfn(table);

    for (u32 level = 1; level <= 4; level++) {
        u32 op = MMUEXT_PIN_L1_TABLE + level - 1;

        CHECK_RC(mmuext_one(op, mfn), 0);
        for (u32 other = MMUEXT_PIN_L1_TABLE; other <= MMUEXT_PIN_L4_TABLE; other++)
            CHECK_REFUSED(mmuext_one(other, mfn));
        for (u32 above = 2; above <= 4; above++) {
            u64 *parent = table_alloc();

            CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE + above - 1, ptr_mfn(parent)), 0);
            if (above == level + 1)
                CHECK_RC(pte_write(&parent[7], pte_make(mfn, PTE_TABLE)), 0);
            else
                CHECK_REFUSED(pte_write(&parent[7], pte_make(mfn, PTE_TABLE)));
            CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(parent)), 0);
        }
        CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), 0);
    }
}
