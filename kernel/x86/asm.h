/*
 * The single instructions that C has no words for: ports, MSRs, control registers, CPUID, TSC.
 *
 * Numbers of control-register bits and MSRs: SDM vol. 3, 2.5, and vol. 4.
 */
#ifndef KOAN_X86_ASM_H
#define KOAN_X86_ASM_H

#include "lib/types.h"

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_DE         BIT(3)
#define CR4_PAE        BIT(5)
#define CR4_MCE        BIT(6)
#define CR4_PGE        BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_FSGSBASE   BIT(16)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)

#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)

#define MSR_APIC_BASE      0x1b
#define MSR_ARCH_CAPS      0x10a
#define MSR_SYSENTER_CS    0x174
#define MSR_PAT            0x277
#define MSR_X2APIC         0x800 /* plus the register's MMIO offset / 16 */
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

static inline void outb(u16 port, u8 value)
{
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(u16 port, u16 value)
{
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outl(u16 port, u32 value)
{
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
    u8 value;

    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u32 inl(u16 port)
{
    u32 value;

    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u64 rdmsr(u32 msr)
{
    u32 low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low | (u64)high << 32;
}

static inline void wrmsr(u32 msr, u64 value)
{
    asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static ALWAYS_INLINE u64 rdtsc(void)
{
    u32 low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (u64)high << 32;
}

struct cpuid {
    u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
    struct cpuid r;

    asm volatile("cpuid"
                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(subleaf));
    return r;
}

#define DEFINE_CONTROL_REGISTER(reg)                                                               \
    static ALWAYS_INLINE u64 read_##reg(void)                                                      \
    {                                                                                              \
        u64 value;                                                                                 \
                                                                                                   \
        asm volatile("mov %%" #reg ", %0" : "=r"(value));                                          \
        return value;                                                                              \
    }                                                                                              \
    static ALWAYS_INLINE void write_##reg(u64 value)                                               \
    {                                                                                              \
        asm volatile("mov %0, %%" #reg : : "r"(value) : "memory");                                 \
    }

DEFINE_CONTROL_REGISTER(cr0)
DEFINE_CONTROL_REGISTER(cr2)
DEFINE_CONTROL_REGISTER(cr3)
DEFINE_CONTROL_REGISTER(cr4)

static ALWAYS_INLINE void invlpg(u64 va)
{
    asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static ALWAYS_INLINE void interrupts_on(void)
{
    asm volatile("sti" : : : "memory");
}

static ALWAYS_INLINE void interrupts_off(void)
{
    asm volatile("cli" : : : "memory");
}

/* Turn interrupts off; returns RFLAGS as it was, for interrupts_restore(). */
static ALWAYS_INLINE u64 interrupts_save(void)
{
    u64 flags;

    asm volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static ALWAYS_INLINE void interrupts_restore(u64 flags)
{
    asm volatile("pushq %0; popfq" : : "r"(flags) : "memory", "cc");
}

static inline void cpu_relax(void)
{
    asm volatile("pause" : : : "memory");
}

/* Stop until the next interrupt, without a gap between opening and stopping (SDM vol. 2, STI).
 * Returns with interrupts on. */
static inline void interrupts_on_and_halt(void)
{
    asm volatile("sti; hlt" : : : "memory");
}

#endif
