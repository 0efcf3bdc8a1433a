/*
 * The guest's own GDT: up to 7168 descriptors in frames that are read-only to the guest; behind them come the hypervisor's.
 *
 * After set_gdt a selector of the guest's can be loaded, and update_descriptor changes the descriptor behind it. While in use the
 * frame has the type "segment descriptors" and no writable mapping. Source: the checklist, sections 2 and 4.
 */
#include "test.h"

#define DATA_32 0x00cff3000000ffffUL /* present, DPL 3, writable data, flat */

static bool load_fs(u16 selector)
{
    return TRY_IO("movw %0, %%fs", , "r"(selector));
}

TEST
{
    u64 *gdt = page_alloc(), mfn = ptr_mfn(gdt);
    u16 selector = 0;

    gdt[2] = DATA_32;
    CHECK_REFUSED(set_gdt(&mfn, 16)); /* mapped writable */
    page_readonly(gdt);
    CHECK_RC(set_gdt(&mfn, 16), 0);
    CHECK(!page_can_be_written(gdt));
    CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, mfn));

    CHECK_NO_TRAP(load_fs(2 << 3 | 3));
    __asm__ volatile("movw %%fs, %0" : "=r"(selector));
    CHECK_EQ(selector, 2 << 3 | 3);
    CHECK_TRAP(load_fs(3 << 3 | 3), TRAP_GP);
    CHECK_RC(update_descriptor(ptr_maddr(&gdt[3]), DATA_32), 0);
    CHECK_EQ(gdt[3] & ~BIT(40), DATA_32 & ~BIT(40)); /* bit 40: accessed */
    CHECK_NO_TRAP(load_fs(3 << 3 | 3));
    CHECK_RC(update_descriptor(ptr_maddr(&gdt[3]), 0), 0);
    CHECK_NO_TRAP(load_fs(0));
    CHECK_TRAP(load_fs(3 << 3 | 3), TRAP_GP);

    CHECK_RC(set_gdt(NULL, 0), 0);
    CHECK(page_can_be_written(gdt));
    CHECK_TRAP(load_fs(2 << 3 | 3), TRAP_GP);
    CHECK_NO_TRAP(load_fs(FLAT_RING3_DS32));
    CHECK_NO_TRAP(load_fs(0));
}
