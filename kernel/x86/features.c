/*
 * CPU features and flaws (CPUID: SDM vol. 2, CPUID; AMD APM vol. 3, appendix E).
 */
#include "x86/features.h"

#include "lib/panic.h"
#include "lib/string.h"
#include "x86/asm.h"

struct cpu_features cpu_features;

extern u32 *const stac_sites_start[],
    *const stac_sites_end[]; /* koan.lds; x86/extable.h says what they are */
extern u32 *const clac_sites_start[], *const clac_sites_end[];

static void read_vendor(struct cpu_features *f)
{
    struct cpuid id = cpuid(0, 0);
    u32 text[3] = { id.ebx, id.edx, id.ecx };

    if (!memcmp(text, "GenuineIntel", 12))
        f->vendor = VENDOR_INTEL;
    else if (!memcmp(text, "AuthenticAMD", 12) || !memcmp(text, "HygonGenuine", 12))
        f->vendor = VENDOR_AMD;
}

static void read_signature(struct cpu_features *f)
{
    u32 eax = cpuid(1, 0).eax;

    f->stepping = eax & 15;
    f->model = eax >> 4 & 15;
    f->family = eax >> 8 & 15;
    if (f->family == 6 || f->family == 15)
        f->model |= (eax >> 16 & 15) << 4;
    if (f->family == 15)
        f->family += eax >> 20 & 255;
}

static void read_name(struct cpu_features *f)
{
    if (cpuid(0x80000000, 0).eax < 0x80000004)
        return;
    for (u32 i = 0; i < 3; i++) {
        struct cpuid id = cpuid(0x80000002 + i, 0);

        memcpy(f->name + i * 16, &id, 16);
    }
}

static void read_bits(struct cpu_features *f)
{
    struct cpuid basic = cpuid(1, 0);
    u32 seven = cpuid(0, 0).eax >= 7 ? cpuid(7, 0).ebx : 0;

    f->x2apic = basic.ecx & BIT(21);
    f->hypervisor = basic.ecx & BIT(31);
    f->smep = seven & BIT(7);
    f->smap = seven & BIT(20);
    f->pages_1g = cpuid(0x80000001, 0).edx & BIT(26);
    if (cpuid(0x80000000, 0).eax >= 0x80000007)
        f->tsc_invariant = cpuid(0x80000007, 0).edx & BIT(8);
}

/* Write STAC or CLAC over the three-byte NOPs. */
static void patch_smap(u32 *const *site, u32 *const *end, u8 last)
{
    for (; site < end; site++) {
        u8 *code = (u8 *)*site;

        code[0] = 0x0f;
        code[1] = 0x01;
        code[2] = last;
    }
}

void features_setup_cpu(void)
{
    u64 cr4 = CR4_PAE | CR4_PGE | CR4_MCE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (cpu_features.smep)
        cr4 |= CR4_SMEP;
    if (cpu_features.smap)
        cr4 |= CR4_SMAP;
    write_cr0(CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_MP | CR0_PE);
    write_cr4(cr4);
    wrmsr(MSR_PAT, PAT_VALUE);
    wrmsr(MSR_EFER, (rdmsr(MSR_EFER) & ~EFER_LMA) | EFER_SCE | EFER_NXE | EFER_LME);
}

void features_init(void)
{
    struct cpu_features *f = &cpu_features;

    read_vendor(f);
    read_signature(f);
    read_name(f);
    read_bits(f);
    if (f->smap) {
        patch_smap(stac_sites_start, stac_sites_end, 0xcb);
        patch_smap(clac_sites_start, clac_sites_end, 0xca);
    }
    features_setup_cpu();
}

static u64 arch_capabilities(void)
{
    if (cpuid(0, 0).eax < 7 || !(cpuid(7, 0).edx & BIT(29)))
        return 0;
    return rdmsr(MSR_ARCH_CAPS);
}

/* Intel's in-order Atoms speculate nowhere that matters; neither do CPUs before family 6. */
static bool intel_in_order(const struct cpu_features *f)
{
    static const u8 models[] = { 0x1c, 0x26, 0x27, 0x35, 0x36 };

    if (f->family != 6)
        return true;
    for (u32 i = 0; i < ARRAY_SIZE(models); i++)
        if (f->model == models[i])
            return true;
    return false;
}

/* Intel's out-of-order Atoms up to Goldmont Plus: Meltdown, but not L1TF. */
static bool intel_atom(const struct cpu_features *f)
{
    static const u8 models[] = { 0x37, 0x4a, 0x4c, 0x4d, 0x5a, 0x5c,
                                 0x5d, 0x5f, 0x65, 0x6e, 0x75, 0x7a };

    for (u32 i = 0; i < ARRAY_SIZE(models); i++)
        if (f->model == models[i])
            return true;
    return false;
}

/*
 * PV guests share the address space with the hypervisor, whose direct map holds all memory.
 * Meltdown reads supervisor pages from ring 3; L1TF reads what a not-present entry of the guest's
 * own page tables points at. RDCL_NO (SDM vol. 4, IA32_ARCH_CAPABILITIES bit 0) says that the CPU
 * has neither.
 */
static void print_flaws(const struct cpu_features *f)
{
    bool intel = f->vendor == VENDOR_INTEL && !intel_in_order(f);
    bool meltdown = intel && !(arch_capabilities() & BIT(0));
    bool l1tf = meltdown && !intel_atom(f);

    if (meltdown)
        printk("CPU: Meltdown: PV isolation is broken on this CPU (a guest can read all memory)\n");
    if (l1tf)
        printk("CPU: L1TF: PV isolation is broken on this CPU (a guest can read the L1 cache)\n");
    if (!meltdown && !l1tf)
        printk("CPU: no known flaw that breaks PV isolation (Meltdown, L1TF)\n");
}

void features_print(void)
{
    const struct cpu_features *f = &cpu_features;
    const char *name = f->name;

    while (*name == ' ')
        name++;
    printk("CPU: %s (family %#x model %#x stepping %u)%s%s%s%s%s\n", *name ? name : "unnamed",
           f->family, f->model, f->stepping, f->smep ? " smep" : "", f->smap ? " smap" : "",
           f->x2apic ? " x2apic" : "", f->pages_1g ? " 1g-pages" : "",
           f->tsc_invariant ? " invariant-tsc" : "");
    print_flaws(f);
}
