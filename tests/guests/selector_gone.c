/*
 * A selector in a data segment register whose descriptor is gone: the hypervisor loads it again when it switches back to the guest.
 *
 * That load faults in the hypervisor. It must be caught there: the guest finds the register null, or hears by its failsafe callback.
 */
#include "test.h"

#define DATA_32 0x00cff3000000ffffUL

static bool failsafe(struct trap_frame *frame)
{
    (void)frame;
    return true;
}

TEST
{
    u64 *gdt = page_alloc(), mfn = ptr_mfn(gdt);

    trap_handle(TRAP_FAILSAFE, failsafe);
    gdt[2] = DATA_32;
    page_readonly(gdt);
    for (int round = 0; round < 3; round++) {
        CHECK_RC(set_gdt(&mfn, 16), 0);
        __asm__ volatile("movw %w0, %%ds; movw %w0, %%es; movw %w0, %%fs; movw %w0, %%gs"
                         :
                         : "r"(2 << 3 | 3));
        CHECK_RC(set_gdt(NULL, 0), 0);
        for (int i = 0; i < 20; i++)
            yield();
        CHECK_TRAP(probe_read64(0x123456789000, NULL), TRAP_PF);
        __asm__ volatile("movw %w0, %%ds; movw %w0, %%es; movw %w0, %%fs; movw %w0, %%gs"
                         :
                         : "r"(0));
    }
}
