/*
 * The shared page: one frame that both the guest and the hypervisor write. The guest may map it, and cannot make anything else of it.
 *
 * All 32 masks start at 1, and the time of vCPU 0 is valid from the first instruction. Source: the checklist, sections 1.4 and 2.
 */
#include "test.h"

TEST
{
    u64 mfn = start_info->shared_info >> PAGE_SHIFT, list[1] = { mfn };
    struct xen_memory_reservation arg = { .extent_start = (u64)list,
                                          .nr_extents = 1,
                                          .domid = DOMID_SELF };
    const struct vcpu_time_info *time = &shared_info->vcpu_info[0].time;

    for (int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        CHECK_EQ(shared_info->vcpu_info[i].evtchn_upcall_mask, 1);
    CHECK_EQ(time->version & 1, 0);
    CHECK(time->tsc_to_system_mul != 0);

    for (u32 op = MMUEXT_PIN_L1_TABLE; op <= MMUEXT_PIN_L4_TABLE; op++)
        CHECK_REFUSED(mmuext_one(op, mfn));
    CHECK_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, mfn));
    CHECK_REFUSED(set_gdt(&mfn, 16));

    map(SCRATCH_VA, mfn, PTE_RW_PAGE);
    ((struct shared_info *)SCRATCH_VA)->arch.max_pfn = 0x77;
    CHECK_EQ(shared_info->arch.max_pfn, 0x77);
    memory_op(XENMEM_decrease_reservation,
              &arg); /* whatever it says, the page must go on to work */
    CHECK_TRAP(probe_read64(0x123456789000, NULL), TRAP_PF);
    CHECK_EQ(shared_info->vcpu_info[0].arch.cr2, 0x123456789000);
}
