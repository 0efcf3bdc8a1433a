/*
 * MSRs as guests see them: see msr.h. The list is what Xen 4.17 gives an unprivileged PV guest, as
 * far as real guests touch it. CPU models differ in what they have; a guest that knows the model
 * reads what is there.
 */
#include "domain/msr.h"

#include "abi/errno.h"
#include "domain/segbase.h"
#include "lib/hypercall_page.h"
#include "lib/trace.h"
#include "mm/type.h"
#include "x86/asm.h"
#include "x86/features.h"

#define MSR_TSC           0x10
#define MSR_HYPERCALL     0x40000000 /* named by CPUID 0x40000002 */
#define APIC_BASE_DEFAULT 0xfee00000UL
#define APIC_BASE_ENABLED BIT(11)
#define APIC_BASE_BSP     BIT(8)
#define EFER_SHOWN        (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

enum write_rule {
    WRITE_FAULTS,
    WRITE_SAME, /* only the value that it has */
    WRITE_LOST, /* any value, and none is kept */
};

enum maker { ANY, INTEL, AMD };

/* Registers that only hold a value. */
static const struct constant {
    u32 first, last;
    enum maker maker;
    enum write_rule write;
    u64 value;
} constants[] = {
    { 0xce, 0xce, ANY, WRITE_FAULTS, 0 },   /* PLATFORM_INFO */
    { 0x140, 0x140, ANY, WRITE_SAME, 0 },   /* MISC_FEATURES_ENABLES */
    { 0x345, 0x345, ANY, WRITE_FAULTS, 0 }, /* PERF_CAPABILITIES */
    { 0x1a0, 0x1a0, ANY, WRITE_SAME,
      0x1801 }, /* MISC_ENABLE: fast strings; no branch traces, no PEBS */
    { 0x3a, 0x3a, INTEL, WRITE_FAULTS, 1 }, /* FEATURE_CONTROL: locked, all off */
    { 0x8b, 0x8b, INTEL, WRITE_LOST, 0 },   /* microcode revision: unknown */
    { 0xc1, 0xc8, INTEL, WRITE_LOST, 0 },   /* performance counters, all stopped */
    { 0x186, 0x18d, INTEL, WRITE_LOST, 0 },
    { 0x309, 0x30b, INTEL, WRITE_LOST, 0 },
    { 0x38d, 0x390, INTEL, WRITE_LOST, 0 },
    { 0x8b, 0x8b, AMD, WRITE_FAULTS, 0 },           /* microcode patch level */
    { 0xc0010000, 0xc0010007, AMD, WRITE_LOST, 0 }, /* performance counters */
    { 0xc0010200, 0xc001020b, AMD, WRITE_LOST, 0 },
    { 0xc0010010, 0xc0010010, AMD, WRITE_FAULTS, 0 }, /* SYSCFG */
    { 0xc0010015, 0xc0010015, AMD, WRITE_LOST,
      BIT(24) }, /* HWCR: the TSC runs at the nominal frequency */
    { 0xc0010016, 0xc001001a, AMD, WRITE_FAULTS, 0 }, /* memory ranges */
    { 0xc001001d, 0xc001001d, AMD, WRITE_FAULTS, 0 },
    { 0xc001001f, 0xc001001f, AMD, WRITE_LOST, 0 },      /* NB_CFG */
    { 0xc0010055, 0xc0010055, AMD, WRITE_LOST, 0 },      /* INT_PENDING */
    { 0xc0011029, 0xc0011029, AMD, WRITE_LOST, BIT(1) }, /* DE_CFG: LFENCE serialises */
};

static bool is_made_by(enum maker maker)
{
    if (maker == ANY)
        return true;
    return cpu_features.vendor == (maker == AMD ? VENDOR_AMD : VENDOR_INTEL);
}

static const struct constant *constant_find(u32 msr)
{
    for (const struct constant *c = constants; c < constants + ARRAY_SIZE(constants); c++)
        if (msr >= c->first && msr <= c->last && is_made_by(c->maker))
            return c;
    return NULL;
}

/* The guest names one of its frames, which becomes a page of hypercall stubs. */
static s64 make_hypercall_page(struct vcpu *v, u64 value)
{
    struct domain_memory *m = &v->domain->mem;
    mfn_t mfn = MFN(value >> PAGE_SHIFT);

    if (value & (PAGE_SIZE - 1))
        return refuse(-XEN_EINVAL, value);
    if (!memory_enter(m))
        return -XEN_ERESTART;
    s64 error = type_get(m, mfn, FRAME_WRITABLE, NULL);
    if (!error) {
        hypercall_page_fill(mfn_to_virt(mfn));
        type_put(m, mfn);
    }
    memory_leave(m);
    return error;
}

bool msr_guest_read(struct vcpu *v, u32 msr, u64 *value)
{
    const struct constant *c;

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
    case MSR_HYPERCALL:
        *value = 0;
        return true;
    }
    c = constant_find(msr);
    if (!c)
        return false;
    *value = c->value;
    return true;
}

static bool write_plain(struct vcpu *v, u32 msr, u64 value)
{
    const struct constant *c;

    switch (msr) {
    case MSR_FS_BASE:
        return segbase_set_fs(v, value);
    case MSR_GS_BASE:
        return segbase_set_gs_kernel(v, value);
    case MSR_KERNEL_GS_BASE:
        return segbase_set_gs_user(v, value);
    case MSR_EFER: /* nothing in it can be changed, but guests write back what they have read */
        return value == (rdmsr(MSR_EFER) & EFER_SHOWN);
    }
    c = constant_find(msr);
    return c && (c->write == WRITE_LOST || (c->write == WRITE_SAME && value == c->value));
}

s64 msr_guest_write(struct vcpu *v, u32 msr, u64 value)
{
    if (msr == MSR_HYPERCALL)
        return make_hypercall_page(v, value);
    return write_plain(v, msr, value) ? 0 : refuse(-XEN_EINVAL, msr);
}
