/*
 * Page faults as the guest kernel sees them: vector, error code and cr2 (in the shared page).
 *
 * The error code's user bit is cleared, although the guest kernel runs in ring 3; present, write and instruction fetch are as hardware
 * says. Source: "error-code U bit cleared when the guest kernel faulted", checklist section 4.
 */
#include "test.h"

static void check(bool trapped, u64 error, u64 cr2)
{
    CHECK(trapped);
    CHECK_EQ(trap_last.vector, TRAP_PF);
    CHECK_EQ(trap_last.error, error);
    CHECK_EQ(trap_last.cr2, cr2);
}

TEST
{
    u8 *page = page_alloc();
    u64 va = SCRATCH_VA, hypervisor = HYPERVISOR_VIRT_START + GIB(2 * 1024);

    map(va, ptr_mfn(page), PTE_RO_PAGE | PTE_NX);
    check(probe_read64(va + PAGE_SIZE + 8, NULL), 0, va + PAGE_SIZE + 8);
    check(probe_write64(va + PAGE_SIZE + 16, 0), PF_WRITE, va + PAGE_SIZE + 16);
    check(probe_write64(va + 24, 0), PF_PRESENT | PF_WRITE, va + 24);
    check(probe_read64(0x0000700000000000, NULL), 0, 0x0000700000000000);

    trap_last.vector = -1;
    probe_call((void *)va, 0);
    check(true, PF_PRESENT | PF_INSN, va);
    trap_last.vector = -1;
    probe_call((void *)(va + PAGE_SIZE), 0);
    CHECK_EQ(trap_last.vector, TRAP_PF);
    CHECK_EQ(trap_last.cr2, va + PAGE_SIZE);

    CHECK_TRAP(probe_read64(hypervisor, NULL), TRAP_PF);
    CHECK_EQ(trap_last.cr2, hypervisor);
    CHECK_TRAP(probe_read64(0x0000800000000000, NULL), TRAP_GP);
    CHECK_TRAP(probe_write64(0xfffeffffffffffff, 0), TRAP_GP);
}
