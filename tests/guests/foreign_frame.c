/*
 * A domain maps its own frames only: not another's, not the hypervisor's, not frames that don't exist.
 *
 * For L1 entries and, where tables are named, for every level above. (Device memory is another matter: see mmio.c.)
 * Source: "present -> frame owned by the domain", checklist section 5.
 */
#include "test.h"

static void check_frame(u64 mfn)
{
    u64 *table = page_alloc(), *bad = page_alloc();

    bad[9] = pte_make(mfn, PTE_TABLE);
    page_readonly(bad);
    for (u32 op = MMUEXT_PIN_L1_TABLE; op <= MMUEXT_PIN_L4_TABLE; op++)
        CHECK_REFUSED(
            mmuext_one(op, ptr_mfn(bad))); /* the entry is there before the table is one */
    CHECK_REFUSED(update_va_mapping((u64)table, pte_make(mfn, PTE_RW_PAGE), UVMF_INVLPG));
    CHECK_REFUSED(update_va_mapping((u64)table, pte_make(mfn, PTE_RO_PAGE), UVMF_INVLPG));
    page_readonly(table);
    for (u32 op = MMUEXT_PIN_L2_TABLE; op <= MMUEXT_PIN_L4_TABLE; op++) {
        CHECK_RC(mmuext_one(op, ptr_mfn(table)), 0);
        CHECK_REFUSED(pte_write(&table[9], pte_make(mfn, PTE_TABLE)));
        CHECK_EQ(table[9], 0);
        CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(table)), 0);
    }
    for (u32 op = MMUEXT_PIN_L1_TABLE; op <= MMUEXT_NEW_BASEPTR; op++)
        CHECK_REFUSED(mmuext_one(op, mfn));
    CHECK_REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, mfn));
}

/* The frame under the hypervisor's L3: entries 256 and up of any L4 name frames of the hypervisor's own. */
static u64 hypervisor_mfn(void)
{
    u64 *l4 = (u64 *)start_info->pt_base;

    for (int slot = 256; slot < 272; slot++)
        if (l4[slot] & PTE_P)
            return pte_mfn(l4[slot]);
    TEST_ERROR("the hypervisor's slots are empty");
    return 0;
}

TEST
{
    check_frame(foreign_mfn());
    check_frame(hypervisor_mfn());
    check_frame(BIT(36) - 1);
    check_frame(BIT(40) - 1);
}
