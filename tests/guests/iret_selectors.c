/*
 * The iret hypercall with selectors that the guest may not use, or that do not exist.
 *
 * The instruction that goes back to the guest then faults in the hypervisor. It must survive that and tell the guest: by the failsafe
 * callback, by an exception, or by using harmless selectors instead. Source: "bad ss/cs must not kill the hypervisor", checklist.
 */
#include "test.h"

static struct iret_context context;

static void iret_raw(u64 flags)
{
    context.flags = flags;
    __asm__ volatile("mov %0, %%rsp; mov %1, %%eax; syscall"
                     :
                     : "r"(&context), "i"(__HYPERVISOR_iret)
                     : "memory");
    __builtin_unreachable();
}

__asm__("iret_landing: ud2");
extern u8 iret_landing[];

static void try(u64 cs, u64 ss)
{
    u64 rsp = (u64)page_alloc() + PAGE_SIZE;

    context = (struct iret_context){
        .rip = (u64)iret_landing, .cs = cs, .rflags = 0x2, .rsp = rsp, .ss = ss
    };
    trap_last.vector = -1;
    probe_call(iret_raw, 0);
    if (trap_last.vector != TRAP_FAILSAFE && trap_last.vector != TRAP_GP &&
        trap_last.vector != TRAP_SS && trap_last.vector != TRAP_UD && trap_last.vector != 11)
        TEST_FAIL("cs %#lx ss %#lx: trap %d", cs, ss, trap_last.vector);
    CHECK(xen_version(XENVER_version, NULL) > 0);
}

TEST
{
    static const u64 selectors[] = { 0,      3,      8,      0xe008, 0xe010, 0xe018,
                                     0xe038, 0xe040, 0xe048, 0xfff8, 0x0c,   0x1234 };

    try(FLAT_KERNEL_CS & ~3, FLAT_KERNEL_SS); /* what is right arrives at iret_landing */
    CHECK_EQ(trap_last.vector, TRAP_UD);
    for (size_t i = 0; i < ARRAY_SIZE(selectors); i++) {
        try(selectors[i] & ~3UL, FLAT_KERNEL_SS);
        try(FLAT_KERNEL_CS & ~3, selectors[i]);
        try(selectors[i] & ~3UL, selectors[i]);
    }
}
