/*
 * Privileged instructions in the guest kernel: those that kernels cannot do without are emulated, the others are a
 * general-protection fault.
 *
 * Reading control registers and EFER, writing CR4 and EFER back as they were, CLTS, the kernel gs base, the PAT. What would change the
 * machine's own tables is refused. Source: the checklist, section 4, "#GP emulation".
 */
#include "test.h"

static bool rdmsr(u32 msr, u64 *value)
{
    u32 low = 0, high = 0;
    bool trapped = TRY_IO("rdmsr", "=a"(low)COMMA "=d"(high), "c"(msr));

    *value = (u64)high << 32 | low;
    return trapped;
}

static bool wrmsr(u32 msr, u64 value)
{
    return TRY_IO("wrmsr", , "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)));
}

TEST
{
    static u64 area = 0x9595;
    u64 value, cr4;
    u8 table[10] = { 0 };

    CHECK_NO_TRAP(TRY_IO("mov %%cr0, %0", "=r"(value), ));
    CHECK(value & BIT(31) && value & BIT(0));
    CHECK_NO_TRAP(TRY_IO("mov %%cr3, %0", "=r"(value), ));
    CHECK_EQ(value & PTE_ADDRESS, current_l4() << PAGE_SHIFT);
    CHECK_NO_TRAP(TRY_IO("mov %%cr4, %0", "=r"(cr4), ));
    CHECK(cr4 & BIT(5)); /* PAE */
    CHECK_NO_TRAP(TRY_IO("mov %0, %%cr4", , "r"(cr4)));
    CHECK_TRAP(probe_read64(0x123456789000, NULL), TRAP_PF);
    CHECK_NO_TRAP(TRY_IO("mov %%cr2, %0", "=r"(value), ));
    CHECK_EQ(value, 0x123456789000);
    CHECK_NO_TRAP(TRY("clts"));

    CHECK_NO_TRAP(rdmsr(0xc0000080, &value)); /* EFER */
    CHECK_EQ(value & 0xd01, 0xd01);           /* SCE, LME, LMA, NXE */
    CHECK_NO_TRAP(wrmsr(0xc0000080, value));
    CHECK_NO_TRAP(rdmsr(0x277, &value)); /* PAT */
    CHECK_EQ(value, 0x0000050100070406);
    CHECK_NO_TRAP(wrmsr(0xc0000101, (u64)&area)); /* gs base of the guest kernel */
    CHECK_NO_TRAP(TRY_IO("movq %%gs:0, %0", "=r"(value), ));
    CHECK_EQ(value, 0x9595);
    CHECK_TRAP(wrmsr(0xc0000101, 0x0000800000000000), TRAP_GP);

    CHECK_TRAP(TRY_IO("lgdt %0", , "m"(table)), TRAP_GP);
    CHECK_TRAP(TRY_IO("lidt %0", , "m"(table)), TRAP_GP);
    CHECK_TRAP(TRY_IO("ltr %w0", , "r"(0)), TRAP_GP);
    CHECK_TRAP(TRY_IO("lldt %w0", , "r"(0)), TRAP_GP);
    CHECK_TRAP(wrmsr(0xc0000082, 0x1234), TRAP_GP); /* LSTAR: entry of system calls */
    CHECK_TRAP(TRY_IO("mov %0, %%cr8", , "r"(0UL)), TRAP_GP);
    CHECK_TRAP(TRY_IO("lmsw %w0", , "r"(0)), TRAP_GP);
}
