/*
 * Which of the CPU's features guests see: see cpuid.h. Bits: SDM vol. 2, CPUID; AMD APM vol. 3,
 * appendix E.
 *
 * A feature is shown if a program in ring 3 can use it without the hypervisor's help, or if the
 * hypervisor gives that help. So new features are hidden until somebody has thought about them:
 * each word below lists what is shown. Hidden on purpose, beside what only ring 0 can use:
 * - large pages, global pages, PCID, SMEP, SMAP: page tables and CR4 are the hypervisor's
 * - MTRR, MCE, MCA, MONITOR, performance counters, DS, power management, TSC deadline, x2APIC:
 *   machine state without a guest's side
 * - XSAVE and all that needs it (AVX, FMA, F16C, XOP): the FPU is saved with FXSAVE
 * - FSGSBASE, RDTSCP and RDPID: their registers would have to be switched with the vCPU
 * - HLE and RTM: they abort at the hypervisor's will
 * - topology: each vCPU is a package of its own These words guide an honest guest; a guest that
 *   uses plain CPUID sees the CPU's own answers.
 */
#include "domain/cpuid.h"

/* Leaf 1, edx; AMD repeats these bits in 0x80000001. */
#define SHOW_1D                                                                                    \
    (BIT(0) /* FPU */ | BIT(4) /* TSC */ | BIT(5) /* MSR */ | BIT(6) /* PAE */ |                   \
     BIT(8) /* CX8 */ | BIT(9) /* APIC */ | BIT(11) /* SEP */ | BIT(15) /* CMOV */ |               \
     BIT(16) /* PAT */ | BIT(19) /* CLFSH */ | BIT(23) /* MMX */ | BIT(24) /* FXSR */ |            \
     BIT(25) /* SSE */ | BIT(26) /* SSE2 */)
#define SHOW_1C                                                                                    \
    (BIT(0) /* SSE3 */ | BIT(1) /* PCLMULQDQ */ | BIT(9) /* SSSE3 */ | BIT(13) /* CX16 */ |        \
     BIT(19) /* SSE4.1 */ | BIT(20) /* SSE4.2 */ | BIT(22) /* MOVBE */ | BIT(23) /* POPCNT */ |    \
     BIT(25) /* AESNI */ | BIT(30) /* RDRAND */)
#define HYPERVISOR_1C BIT(31)

/* Leaf 7. */
#define SHOW_7B                                                                                    \
    (BIT(3) /* BMI1 */ | BIT(6) /* FDP only on exceptions */ | BIT(8) /* BMI2 */ |                 \
     BIT(9) /* ERMS */ | BIT(13) /* no FCS, FDS */ | BIT(18) /* RDSEED */ | BIT(19) /* ADX */ |    \
     BIT(23) /* CLFLUSHOPT */ | BIT(24) /* CLWB */ | BIT(29) /* SHA */)
#define SHOW_7C (BIT(8) /* GFNI */ | BIT(27) /* MOVDIRI */ | BIT(28) /* MOVDIR64B */)
#define SHOW_7D (BIT(4) /* FSRM */ | BIT(10) /* MD_CLEAR */ | BIT(14) /* SERIALIZE */)

/* Leaf 0x80000001. */
#define COMMON_E1D 0x0183f3ffU /* bits with the meaning that they have in leaf 1 */
#define SHOW_E1D                                                                                   \
    ((SHOW_1D & COMMON_E1D) | BIT(11) /* SYSCALL */ | BIT(20) /* NX */ | BIT(22) /* MMXEXT */ |    \
     BIT(29) /* LM */ | BIT(30) | BIT(31) /* 3DNow */)
#define SHOW_E1C                                                                                   \
    (BIT(0) /* LAHF */ | BIT(5) /* LZCNT */ | BIT(6) /* SSE4A */ | BIT(7) /* misaligned SSE */ |   \
     BIT(8) /* PREFETCHW */)

#define SHOW_E7D     BIT(8) /* the TSC runs at a constant speed */
#define VIRTUAL_BITS 48     /* of an address: L4 tables are the highest */
#define SHOW_E8B     BIT(0) /* CLZERO */

struct cpuid_policy cpuid_policy;

static struct cpuid_leaf leaf_1(struct cpuid_leaf raw)
{
    return (struct cpuid_leaf){
        .eax = raw.eax,
        .ebx = (raw.ebx & 0xffff) | 1 << 16, /* CLFLUSH size; one logical CPU, APIC id 0 */
        .ecx = (raw.ecx & SHOW_1C) | HYPERVISOR_1C,
        .edx = raw.edx & SHOW_1D,
    };
}

/* A cache as the CPU describes it, but shared with nobody. */
static struct cpuid_leaf leaf_4(struct cpuid_leaf raw)
{
    raw.eax &= 0x3fff;
    return raw.eax & 0x1f ? raw : (struct cpuid_leaf){ 0 };
}

static struct cpuid_leaf leaf_7(struct cpuid_leaf raw)
{
    return (struct cpuid_leaf){
        .ebx = raw.ebx & SHOW_7B,
        .ecx = raw.ecx & SHOW_7C,
        .edx = raw.edx & SHOW_7D,
    };
}

static void make_basic(struct cpuid_policy *p, cpuid_read_fn *read)
{
    struct cpuid_leaf top = read(0, 0);

    p->basic_leaves = min(top.eax, (u32)CPUID_BASIC_LEAVES - 1) + 1;
    p->basic[0] = top;
    p->basic[0].eax = p->basic_leaves - 1;
    p->basic[1] = leaf_1(read(1, 0));
    p->basic[2] = read(2, 0); /* caches, as codes; 3, 5 and 6 stay zero */
    for (u32 i = 0; i < CPUID_CACHES && p->basic_leaves > 4; i++)
        p->caches[i] = leaf_4(read(4, i));
    if (p->basic_leaves > 7)
        p->basic[7] = leaf_7(read(7, 0));
}

static void make_extended(struct cpuid_policy *p, cpuid_read_fn *read)
{
    struct cpuid_leaf top = read(CPUID_EXT_LEAF(0), 0);
    u32 leaves = top.eax - CPUID_EXT_LEAF(0) + 1;

    p->ext_leaves = min(leaves, (u32)CPUID_EXT_LEAVES);
    for (u32 i = 0; i < p->ext_leaves; i++)
        p->ext[i] = read(CPUID_EXT_LEAF(i), 0); /* 2..4: the name; 5, 6: caches and TLBs */
    p->ext[0].eax = CPUID_EXT_LEAF(p->ext_leaves - 1);
    p->ext[1].ecx &= SHOW_E1C;
    p->ext[1].edx &= SHOW_E1D;
    p->ext[7] = (struct cpuid_leaf){ .edx = p->ext[7].edx & SHOW_E7D };
    u32 physical = p->ext[8].eax & 0xff, virtual = p->ext[8].eax >> 8 & 0xff;
    p->ext[8] = (struct cpuid_leaf){
        .eax = physical | min(virtual, (u32)VIRTUAL_BITS) << 8,
        .ebx = p->ext[8].ebx & SHOW_E8B,
    };
}

static void make_hypervisor(struct cpuid_policy *p)
{
    p->hyp[0] = (struct cpuid_leaf){
        .eax = XEN_CPUID_LEAF(CPUID_HYP_LEAVES - 1),
        .ebx = XEN_CPUID_SIGNATURE_EBX,
        .ecx = XEN_CPUID_SIGNATURE_ECX,
        .edx = XEN_CPUID_SIGNATURE_EDX,
    };
    p->hyp[1].eax = 4 << 16 | 17; /* 4.17, as xen_version says */
    p->hyp[2] = (struct cpuid_leaf){
        .eax = 1,                    /* pages of hypercalls */
        .ebx = XEN_CPUID_FIRST_LEAF, /* MSR that asks for them */
        .ecx = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD,
    };
    /* 3: time (TSC not emulated, nothing else to say); 4: HVM only */
    p->hyp[5].ebx = p->ext[8].eax & 0xff; /* width of machine addresses */
}

void cpuid_make_policy(struct cpuid_policy *p, cpuid_read_fn *read)
{
    *p = (struct cpuid_policy){ 0 };
    make_basic(p, read);
    make_extended(p, read);
    make_hypervisor(p);
}

#ifndef KOAN_HOST
#include "mm/frame.h"
#include "x86/asm.h"

static struct cpuid_leaf read_cpu(u32 leaf, u32 subleaf)
{
    struct cpuid r = cpuid(leaf, subleaf);

    return (struct cpuid_leaf){ r.eax, r.ebx, r.ecx, r.edx };
}

void cpuid_init(void)
{
    cpuid_make_policy(&cpuid_policy, read_cpu);
    /* Like Xen, say how far this machine's memory reaches, not how far it could. */
    cpuid_policy.hyp[5].ebx = PAGE_SHIFT + 64 - __builtin_clzl(max_mfn - 1);
}
#endif
