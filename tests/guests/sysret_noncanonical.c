/*
 * A hypercall from the last two bytes of the lower half of the address space: it returns to an address that is not canonical.
 *
 * `syscall` saves the address of the next instruction, 0x0000800000000000, and a hypervisor that goes back by SYSRET without a look
 * faults, on Intel's CPUs in ring 0. The guest must find itself with an exception instead, and be able to go on.
 */
#include "test.h"

#define LAST_PAGE 0x00007ffffffff000UL

TEST
{
    u8 *page = page_alloc();

    memset(page, 0x90, PAGE_SIZE); /* nop */
    page[PAGE_SIZE - 2] = 0x0f;    /* syscall */
    page[PAGE_SIZE - 1] = 0x05;
    page[PAGE_SIZE - 7] = 0xb8; /* mov eax, xen_version */
    page[PAGE_SIZE - 6] = __HYPERVISOR_xen_version;
    memset(&page[PAGE_SIZE - 5], 0, 3);
    map(LAST_PAGE, ptr_mfn(page), PTE_RO_PAGE);

    for (int i = 0; i < 10; i++) {
        trap_last.vector = -1;
        probe_call((void *)(LAST_PAGE + PAGE_SIZE - 7), XENVER_version);
        if (trap_last.vector != TRAP_GP && trap_last.vector != TRAP_PF &&
            trap_last.vector != TRAP_FAILSAFE)
            TEST_FAIL("trap %d", trap_last.vector);
        yield();
    }
    CHECK(xen_version(XENVER_version, NULL) > 0);
}
