/*
 * What the hypervisor adds to entries: both guest modes run in ring 3, so every page of the guest needs the U bit.
 *
 * A present L1 entry without U gets it, and bit 52 as a note that it was the guest kernel's; L2 to L4 get U. Reading a table shows
 * the adjusted entry. The bits that are free for software come back unchanged. Source: the checklist, section 2.
 */
#include "test.h"

#define SOFTWARE (BIT(9) | BIT(10) | BIT(11))

TEST
{
    u64 mfn = ptr_mfn(page_alloc()), *l1, *l2, *l3, *l4;

    map(SCRATCH_VA, mfn, PTE_P);
    l1 = pte_of(SCRATCH_VA, 1);
    CHECK_EQ(*l1 & (PTE_P | PTE_RW | PTE_US | PTE_GUEST_KERNEL), PTE_P | PTE_US | PTE_GUEST_KERNEL);
    CHECK_EQ(pte_mfn(*l1), mfn);
    CHECK_NO_TRAP(probe_read64(SCRATCH_VA, NULL));

    CHECK_RC(pte_write(l1, pte_make(mfn, PTE_P | PTE_US | SOFTWARE | PTE_NX)), 0);
    CHECK_EQ(*l1 & (SOFTWARE | PTE_GUEST_KERNEL | PTE_US | PTE_NX), SOFTWARE | PTE_US | PTE_NX);
    CHECK_EQ(pte_mfn(*l1), mfn);

    /* Not present: nothing is looked at, nothing is changed. */
    CHECK_RC(pte_write(l1, 0xfffffffffffffffe), 0);
    CHECK_EQ(*l1, 0xfffffffffffffffe);
    CHECK_RC(pte_write(l1, pte_make(mfn, PTE_P)), 0);

    l2 = pte_of(SCRATCH_VA, 2);
    l3 = pte_of(SCRATCH_VA, 3);
    l4 = pte_of(SCRATCH_VA, 4);
    CHECK_RC(pte_write(l2, pte_make(pte_mfn(*l2), PTE_P | PTE_RW | SOFTWARE)), 0);
    CHECK_EQ(*l2 & (PTE_P | PTE_US | SOFTWARE), PTE_P | PTE_US | SOFTWARE);
    CHECK_RC(pte_write(l3, pte_make(pte_mfn(*l3), PTE_P | PTE_RW)), 0);
    CHECK_EQ(*l3 & (PTE_P | PTE_US), PTE_P | PTE_US);
    CHECK_RC(pte_write(l4, pte_make(pte_mfn(*l4), PTE_P | PTE_RW)), 0);
    CHECK_EQ(*l4 & (PTE_P | PTE_US), PTE_P | PTE_US);
    CHECK_NO_TRAP(probe_read64(SCRATCH_VA, NULL));
}
