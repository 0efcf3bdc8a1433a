/*
 * update_va_mapping: the shortest way to change one L1 entry of the current address space.
 *
 * It needs an L1 table at that address, an address of the guest's, and a frame that may be mapped so. Its flags say what to flush and
 * on which vCPUs; a bitmap of vCPUs is given by its address. Source: UVMF_* in xen.h; errors: the checklist, section 5.
 */
#include "test.h"

TEST
{
    u64 *page = page_alloc(), *other = page_alloc();
    u64 entry = pte_make(ptr_mfn(other), PTE_RW_PAGE), all = ~0UL;

    other[0] = 0x5eed;
    CHECK_EQ(page[0], 0);
    CHECK_RC(update_va_mapping((u64)page, entry, UVMF_INVLPG | UVMF_LOCAL), 0);
    CHECK_EQ(page[0], 0x5eed);
    CHECK_RC(update_va_mapping((u64)page, 0, UVMF_TLB_FLUSH | UVMF_LOCAL), 0);
    CHECK_TRAP(probe_read64((u64)page, NULL), TRAP_PF);
    CHECK_RC(update_va_mapping((u64)page, entry, UVMF_NONE), 0);
    CHECK_RC(update_va_mapping((u64)page, entry, UVMF_INVLPG | UVMF_ALL), 0);
    CHECK_RC(update_va_mapping((u64)page, entry, UVMF_TLB_FLUSH | UVMF_ALL), 0);
    CHECK_RC(update_va_mapping((u64)page, entry, UVMF_INVLPG | UVMF_MULTI | (u64)&all), 0);
    CHECK_RC(update_va_mapping((u64)page, entry, UVMF_TLB_FLUSH | UVMF_MULTI | (u64)&all), 0);
    CHECK_EQ(page[0], 0x5eed);

    CHECK_RC(update_va_mapping(0x123456789000, entry, UVMF_NONE), -XEN_EINVAL);
    CHECK_REFUSED(update_va_mapping(MACH2PHYS_VIRT_START, entry, UVMF_NONE));
    CHECK_REFUSED(update_va_mapping(HYPERVISOR_VIRT_END - PAGE_SIZE, entry, UVMF_NONE));
    CHECK_REFUSED(update_va_mapping(0x8000000000000000, entry, UVMF_NONE));
    CHECK_REFUSED(update_va_mapping(0x0000800000000000, entry, UVMF_NONE));
}
