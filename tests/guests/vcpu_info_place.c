/*
 * register_vcpu_info: the guest has its vcpu_info put where it wants it, once. From then on cr2, the event mask and the time stand
 * there, with what the old place held.
 *
 * Across the end of a page, beyond it, or in another's frame it is refused. Source: VCPUOP_register_vcpu_info in vcpu.h.
 */
#include "test.h"

static s64 place(u64 mfn, u32 offset)
{
    struct vcpu_register_vcpu_info arg = { .mfn = mfn, .offset = offset };

    return vcpu_op(VCPUOP_register_vcpu_info, 0, &arg);
}

TEST
{
    u8 *page = page_alloc(), *table = (u8 *)start_info->pt_base;
    struct vcpu_info *info = (struct vcpu_info *)(page + 128);

    CHECK_REFUSED(place(ptr_mfn(page), PAGE_SIZE - 32));
    CHECK_REFUSED(place(ptr_mfn(page), PAGE_SIZE));
    CHECK_REFUSED(place(ptr_mfn(page), 0xffffffc0));
    CHECK_REFUSED(place(foreign_mfn(), 0));
    CHECK_REFUSED(place(BIT(40) - 1, 0));
    CHECK_REFUSED(place(ptr_mfn(table), 0)); /* a page table: the hypervisor would write into it */

    CHECK_RC(place(ptr_mfn(page), 128), 0);
    CHECK_EQ(info->evtchn_upcall_mask, 1);
    CHECK(info->time.tsc_to_system_mul != 0);
    CHECK_TRAP(probe_read64(0x123456789000, NULL), TRAP_PF);
    CHECK_EQ(info->arch.cr2, 0x123456789000);
    CHECK_REFUSED(place(ptr_mfn(page), 256)); /* only once */

    page_readonly(page);
    CHECK_REFUSED(
        mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(page))); /* the hypervisor's own mapping counts */
}
