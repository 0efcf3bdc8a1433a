/*
 * MSRs as guests see them: see msr.h. The list is what Xen 4.17 gives an unprivileged PV guest, as far as real guests touch it.
 */
#include "domain/msr.h"

#include "domain/segbase.h"
#include "x86/asm.h"
#include "x86/features.h"

#define MSR_TSC           0x10
#define MSR_HYPERCALL     0x40000000 /* named by CPUID 0x40000002 */
#define APIC_BASE_DEFAULT 0xfee00000UL
#define APIC_BASE_ENABLED BIT(11)
#define APIC_BASE_BSP     BIT(8)
#define EFER_SHOWN        (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/* Registers that only hold a value; writes to them are ignored, or refused. */
static const struct {
    u32 first, last;
    bool write_ignored;
    u64 value;
} constants[] = {
    { 0x8b, 0x8b, true, 0 },        /* microcode revision: unknown */
    { 0x3a, 0x3a, false, 1 },       /* FEATURE_CONTROL: locked, all off */
    { 0xce, 0xce, false, 0 },       /* PLATFORM_INFO */
    { 0x140, 0x140, false, 0 },     /* MISC_FEATURES_ENABLES */
    { 0x1a0, 0x1a0, true, 0x1801 }, /* MISC_ENABLE: fast strings; no branch traces, no PEBS */
    { 0x345, 0x345, false, 0 },     /* PERF_CAPABILITIES */
    { 0xc1, 0xc8, true, 0 },        /* performance counters, all stopped: Intel's */
    { 0x186, 0x18d, true, 0 },
    { 0x309, 0x30b, true, 0 },
    { 0x38d, 0x390, true, 0 },
    { 0xc0010000, 0xc0010007, true, 0 }, /* AMD's */
    { 0xc0010200, 0xc001020b, true, 0 },
    { 0xc0010015, 0xc0010015, true, BIT(24) }, /* HWCR: the TSC runs at the nominal frequency */
    { 0xc0010055, 0xc0010055, true, 0 },       /* INT_PENDING */
    { 0xc0011029, 0xc0011029, true, BIT(1) },  /* DE_CFG: LFENCE serialises */
};

static bool constant_find(u32 msr, u32 *index)
{
    for (u32 i = 0; i < ARRAY_SIZE(constants); i++)
        if (msr >= constants[i].first && msr <= constants[i].last) {
            *index = i;
            return true;
        }
    return false;
}

bool msr_guest_read(struct vcpu *v, u32 msr, u64 *value)
{
    u32 i;

    switch (msr) {
    case MSR_FS_BASE:
        *value = segbase_fs(v);
        return true;
    case MSR_GS_BASE:
        *value = segbase_gs_kernel(v);
        return true;
    case MSR_KERNEL_GS_BASE:
        *value = segbase_gs_user(v);
        return true;
    case MSR_EFER:
        *value = rdmsr(MSR_EFER) & EFER_SHOWN;
        return true;
    case MSR_APIC_BASE:
        *value = APIC_BASE_DEFAULT | APIC_BASE_ENABLED | (v->id ? 0 : APIC_BASE_BSP);
        return true;
    case MSR_PAT:
        *value = PAT_VALUE;
        return true;
    case MSR_TSC:
        *value = rdtsc();
        return true;
    }
    if (!constant_find(msr, &i))
        return false;
    *value = constants[i].value;
    return true;
}

bool msr_guest_write(struct vcpu *v, u32 msr, u64 value)
{
    u32 i;

    switch (msr) {
    case MSR_FS_BASE:
        return segbase_set_fs(v, value);
    case MSR_GS_BASE:
        return segbase_set_gs_kernel(v, value);
    case MSR_KERNEL_GS_BASE:
        return segbase_set_gs_user(v, value);
    case MSR_EFER: /* nothing in it can be changed, but guests write back what they have read */
        return value == (rdmsr(MSR_EFER) & EFER_SHOWN);
    case MSR_PAT:
        return value == PAT_VALUE;
    }
    return constant_find(msr, &i) && constants[i].write_ignored;
}
