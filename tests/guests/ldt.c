/*
 * The LDT: a range of the guest's own addresses, looked at only when a selector needs it.
 *
 * MMUEXT_SET_LDT names it; the hypervisor maps a page of it at the first fault, if it holds acceptable descriptors and is not mapped
 * writable. Where that fails the guest gets the fault. Source: "LDT pages are mapped lazily on fault", checklist section 2.
 */
#include "test.h"

#define DATA_32 0x00cff3000000ffffUL

static s64 set_ldt(u64 va, u32 entries)
{
    struct mmuext_op op = { .cmd = MMUEXT_SET_LDT,
                            .arg1.linear_addr = va,
                            .arg2.nr_ents = entries };

    return mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static bool load_fs(u16 selector)
{
    return TRY_IO("movw %0, %%fs", , "r"(selector));
}

/* Another address space: the LDT stays loaded, and its pages are looked up anew in there. */
static void loaded_after_switch(void)
{
    u64 own_mfn = current_l4(), *l4 = page_alloc();

    memcpy(l4, pte_walk(own_mfn, 0, 4), PAGE_SIZE);
    page_readonly(l4);
    CHECK_RC(switch_l4(ptr_mfn(l4)), 0);
    CHECK_NO_TRAP(load_fs(3 << 3 | 7));
    CHECK_NO_TRAP(load_fs(0));
    CHECK_RC(switch_l4(own_mfn), 0);
    CHECK_NO_TRAP(load_fs(3 << 3 | 7));
    CHECK_NO_TRAP(load_fs(0));
}

TEST
{
    u64 *ldt = page_alloc();

    ldt[3] = DATA_32;
    CHECK(load_fs(3 << 3 | 7)); /* no LDT yet */
    page_readonly(ldt);
    CHECK_RC(set_ldt((u64)ldt, 512), 0);
    CHECK_NO_TRAP(load_fs(3 << 3 | 7));
    CHECK(!page_can_be_written(ldt)); /* in use now */
    CHECK(load_fs(4 << 3 | 7));
    CHECK_NO_TRAP(load_fs(0));
    loaded_after_switch();
    CHECK_RC(set_ldt(0, 0), 0);
    CHECK(page_can_be_written(ldt));
    CHECK(load_fs(3 << 3 | 7));

    CHECK_RC(set_ldt((u64)ldt, 8193), -XEN_EINVAL);
    CHECK_REFUSED(set_ldt((u64)ldt + 8, 16));
    CHECK_REFUSED(set_ldt(HYPERVISOR_VIRT_START, 512));
    CHECK_RC(set_ldt(0x123456789000, 16), 0); /* nothing is there: the fault comes at the load */
    CHECK(load_fs(3 << 3 | 7));
    CHECK_RC(set_ldt(0, 0), 0);
}
