/*
 * Model-specific registers: a handful is shown, every other one faults.
 *
 * A kernel needs its segment bases before it has a trap table, reads which caching the PAT holds
 * (the hypervisor's, not to be changed), and may write EFER back as it was. Source: Xen 4.17; MSR
 * list in section 4 of the checklist.
 */
#include "test.h"

#define AND , /* between two outputs of TRY_IO */

#define FS_BASE        0xc0000100
#define GS_BASE        0xc0000101
#define KERNEL_GS_BASE 0xc0000102
#define EFER           0xc0000080
#define LSTAR          0xc0000082
#define PAT            0x277
#define APIC_BASE      0x1b

static bool read_msr(u32 msr, u64 *value)
{
    u64 rdx;
    bool trapped = TRY_IO("rdmsr", "=a"(*value)AND "=d"(rdx), "c"(msr));

    if (!trapped)
        *value |= rdx << 32;
    return trapped;
}

static bool write_msr(u32 msr, u64 value)
{
    return TRY_IO("wrmsr", , "c"(msr), "a"((u32)value), "d"(value >> 32));
}

static void check_base(u32 msr)
{
    u64 before, now;

    CHECK_NO_TRAP(read_msr(msr, &before));
    CHECK_NO_TRAP(write_msr(msr, 0xffff880123456780));
    CHECK_NO_TRAP(read_msr(msr, &now));
    CHECK_EQ(now, 0xffff880123456780);
    CHECK_TRAP(write_msr(msr, 0x0000800000000000), TRAP_GP); /* not canonical */
    CHECK_NO_TRAP(read_msr(msr, &now));
    CHECK_EQ(now, 0xffff880123456780);
    CHECK_NO_TRAP(write_msr(msr, before));
}

TEST
{
    u64 value, x;

    check_base(FS_BASE);
    check_base(GS_BASE);
    check_base(KERNEL_GS_BASE);
    x = 0x1234;
    CHECK_NO_TRAP(write_msr(GS_BASE, (u64)&x)); /* the one that is in use */
    __asm__ volatile("mov %%gs:0, %0" : "=r"(value) : "m"(x));
    CHECK_EQ(value, 0x1234);

    CHECK_NO_TRAP(read_msr(PAT, &value));
    CHECK_EQ(value, 0x0000050100070406);
    CHECK_TRAP(write_msr(PAT, value), TRAP_GP);
    CHECK_NO_TRAP(read_msr(EFER, &value));
    CHECK_EQ(value, 0xd01); /* SCE, LME, LMA, NXE */
    CHECK_NO_TRAP(write_msr(EFER, value));
    CHECK_TRAP(write_msr(EFER, value ^ 1), TRAP_GP);
    CHECK_NO_TRAP(read_msr(APIC_BASE, &value));
    CHECK_EQ(value, 0xfee00900);
    CHECK_TRAP(read_msr(LSTAR, &value), TRAP_GP); /* the hypervisor's own entry */
    CHECK_TRAP(write_msr(LSTAR, 0), TRAP_GP);
    CHECK_TRAP(read_msr(0xdeadbeef, &value), TRAP_GP);
}
