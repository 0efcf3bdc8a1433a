/*
 * Slots 256 to 271 of every L4 are the hypervisor's: the guest can't change them, and what a new L4 holds there does not matter.
 *
 * When a page becomes an L4 the hypervisor puts its own entries there; else the first switch to that L4 would lose the hypervisor,
 * or, with entries of the guest's choice, hand it over. Source: the checklist, section 2.
 */
#include "test.h"

TEST
{
    u64 *own = (u64 *)start_info->pt_base, *fresh = page_alloc();

    for (int slot = 256; slot < 272; slot++) {
        CHECK_RC(pte_write(&own[slot], 0), -XEN_EINVAL);
        CHECK_RC(pte_write(&own[slot], own[511]), -XEN_EINVAL);
        fresh[slot] = own[511];
    }
    fresh[511] = own[511];
    page_readonly(fresh);
    CHECK_RC(mmuext_one(MMUEXT_PIN_L4_TABLE, ptr_mfn(fresh)), 0);
    for (int slot = 256; slot < 272; slot++)
        CHECK(!(fresh[slot] & PTE_P) || pte_mfn(fresh[slot]) != pte_mfn(own[511]));

    CHECK_RC(switch_l4(ptr_mfn(fresh)),
             0); /* still alive: the kernel and the hypervisor are both there */
    CHECK_EQ(mfn_pfn(ptr_mfn(fresh)), va_pfn(fresh));
    CHECK_RC(switch_l4(ptr_mfn(own)), 0);
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(fresh)), 0);
}
