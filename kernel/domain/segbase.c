/*
 * FS and GS bases: see segbase.h.
 */
#include "domain/segbase.h"

#include "domain/descriptor.h"
#include "x86/asm.h"
#include "x86/extable.h"

static bool set_base(u32 msr, u64 base)
{
    if (!is_canonical(base))
        return false;
    wrmsr(msr, base);
    return true;
}

bool segbase_set_fs(struct vcpu *v, u64 base)
{
    (void)v;
    return set_base(MSR_FS_BASE, base);
}

bool segbase_set_gs_kernel(struct vcpu *v, u64 base)
{
    return set_base(v->ctx.in_kernel ? MSR_GS_BASE : MSR_KERNEL_GS_BASE, base);
}

bool segbase_set_gs_user(struct vcpu *v, u64 base)
{
    return set_base(v->ctx.in_kernel ? MSR_KERNEL_GS_BASE : MSR_GS_BASE, base);
}

u64 segbase_fs(const struct vcpu *v)
{
    (void)v;
    return rdmsr(MSR_FS_BASE);
}

u64 segbase_gs_kernel(const struct vcpu *v)
{
    return rdmsr(v->ctx.in_kernel ? MSR_GS_BASE : MSR_KERNEL_GS_BASE);
}

u64 segbase_gs_user(const struct vcpu *v)
{
    return rdmsr(v->ctx.in_kernel ? MSR_KERNEL_GS_BASE : MSR_GS_BASE);
}

/* Loading GS loads its base: with the two bases swapped, that is the other mode's. */
static void load_swapped(u16 selector)
{
    asm volatile("swapgs\n"
                 "1: mov %0, %%gs\n\t"
                 "jmp 3f\n"
                 "2: xor %%eax, %%eax\n\t"
                 "mov %%eax, %%gs\n"
                 "3: mfence\n\t" /* AMD: no speculation with the wrong base */
                 "swapgs\n\t" EXTABLE("1b", "2b")::"r"((u32)selector)
                 : "eax", "memory");
}

void segbase_load_gs_user(struct vcpu *v, u16 selector)
{
    if (selector > 3)
        selector |= 3;                 /* guests run in ring 3 only */
    descriptor_touch_ldt(v, selector); /* a fault below would only give null */
    load_swapped(selector);
    if (selector <= 3)
        wrmsr(MSR_KERNEL_GS_BASE, 0); /* on AMD a null selector leaves the base alone */
}
