/*
 * domain/cpuid.c on CPUs of several makes: their raw answers (published dumps of the models) stand
 * in tables. What must be hidden and what must be shown is the ABI's list for PV guests, by name,
 * not the masks of the code.
 */
#include <string.h>

#include "unit.h"
#include "domain/cpuid.h"

struct raw {
    u32 leaf, subleaf;
    struct cpuid_leaf answer;
};

/* Intel Core i7-6700 (Skylake). */
static const struct raw skylake[] = {
    { 0, 0, { 0x16, 0x756e6547, 0x6c65746e, 0x49656e69 } },
    { 1, 0, { 0x000506e3, 0x04100800, 0x7ffafbbf, 0xbfebfbff } },
    { 2, 0, { 0x76036301, 0x00f0b5ff, 0, 0x00c30000 } },
    { 4, 0, { 0x1c004121, 0x01c0003f, 0x3f, 0 } },
    { 4, 1, { 0x1c004122, 0x01c0003f, 0x3f, 0 } },
    { 4, 2, { 0x1c004143, 0x00c0003f, 0x3ff, 0 } },
    { 4, 3, { 0x1c03c163, 0x03c0003f, 0x1fff, 6 } },
    { 5, 0, { 0x40, 0x40, 3, 0x00142120 } },
    { 6, 0, { 0x77, 2, 9, 0 } },
    { 7, 0, { 0, 0x029c6fbb, 0, 0x9c002400 } },
    { 0xa, 0, { 0x07300404, 0, 0, 0x603 } },
    { 0xb, 0, { 1, 2, 0x100, 4 } },
    { 0xd, 0, { 0x1f, 0x440, 0x440, 0 } },
    { 0x80000000, 0, { 0x80000008, 0, 0, 0 } },
    { 0x80000001, 0, { 0, 0, 0x121, 0x2c100800 } },
    { 0x80000002, 0, { 0x65746e49, 0x2952286c, 0x726f4320, 0x4d542865 } },
    { 0x80000006, 0, { 0, 0, 0x01006040, 0 } },
    { 0x80000007, 0, { 0, 0, 0, 0x100 } },
    { 0x80000008, 0, { 0x3027, 0, 0, 0 } },
};

/* AMD EPYC 7601 (Naples). */
static const struct raw epyc[] = {
    { 0, 0, { 0xd, 0x68747541, 0x444d4163, 0x69746e65 } },
    { 1, 0, { 0x00800f12, 0x0a400800, 0x7ed8320b, 0x178bfbff } },
    { 5, 0, { 0x40, 0x40, 3, 0x11 } },
    { 7, 0, { 0, 0x209c01a9, 0, 0 } },
    { 0xd, 0, { 7, 0x340, 0x340, 0 } },
    { 0x80000000, 0, { 0x8000001f, 0x68747541, 0x444d4163, 0x69746e65 } },
    { 0x80000001, 0, { 0x00800f12, 0x40000000, 0x35c233ff, 0x2fd3fbff } },
    { 0x80000005, 0, { 0xff40ff40, 0xff40ff40, 0x20080140, 0x40040140 } },
    { 0x80000007, 0, { 0, 0x1b, 0, 0x6599 } },
    { 0x80000008, 0, { 0x3030, 0x1007, 0x703f, 0 } },
    { 0x8000000a, 0, { 1, 0x8000, 0, 0x1bcff } },
    { 0x8000001d, 0, { 0x4121, 0x01c0003f, 0x3f, 0 } },
};

/* AMD Opteron 240 (first generation): nothing above leaf 1. */
static const struct raw opteron[] = {
    { 0, 0, { 1, 0x68747541, 0x444d4163, 0x69746e65 } },
    { 1, 0, { 0x00000f51, 0x00000800, 0, 0x078bfbff } },
    { 0x80000000, 0, { 0x80000018, 0x68747541, 0x444d4163, 0x69746e65 } },
    { 0x80000001, 0, { 0x00000f51, 0x106, 0, 0xe1d3fbff } },
    { 0x80000007, 0, { 0, 0, 0, 9 } },
    { 0x80000008, 0, { 0x3028, 0, 0, 0 } },
};

/*
 * A CPU that has every feature there is, or none: what is shown then is what the policy allows, or
 * forces.
 */
static const struct raw everything[] = {
    { 0, 0, { 0x20, 0, 0, 0 } },
    { 1, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 4, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 5, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 6, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 7, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 7, 1, { ~0U, ~0U, ~0U, ~0U } },
    { 0xa, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 0xb, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 0xd, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 0x14, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 0x80000000, 0, { 0x80000021, 0, 0, 0 } },
    { 0x80000001, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 0x80000007, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 0x80000008, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 0x8000000a, 0, { ~0U, ~0U, ~0U, ~0U } },
    { 0x8000001f, 0, { ~0U, ~0U, ~0U, ~0U } },
};
static const struct raw bare[] = {
    { 0, 0, { 7, 0, 0, 0 } },
    { 0x80000000, 0, { 0x80000008, 0, 0, 0 } },
};

struct model {
    const char *name;
    const struct raw *raw;
    size_t count;
};
#define MODEL(name)                                                                                \
    {                                                                                              \
#name, name, ARRAY_SIZE(name)                                                              \
    }
static const struct model models[] = { MODEL(skylake), MODEL(epyc), MODEL(opteron),
                                       MODEL(everything), MODEL(bare) };

static const struct model *model;

static struct cpuid_leaf read_model(u32 leaf, u32 subleaf)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->raw[i].leaf == leaf && model->raw[i].subleaf == subleaf)
            return model->raw[i].answer;
    return (struct cpuid_leaf){ 0 };
}

static struct cpuid_policy policy_of(int index)
{
    struct cpuid_policy policy;

    model = &models[index];
    memset(&policy, 0xaa, sizeof(policy));
    cpuid_make_policy(&policy, read_model);
    return policy;
}

enum reg { EAX, EBX, ECX, EDX };

static u32 reg_of(const struct cpuid_leaf *leaf, enum reg reg)
{
    return reg == EAX ? leaf->eax : reg == EBX ? leaf->ebx : reg == ECX ? leaf->ecx : leaf->edx;
}

struct feature {
    const char *name;
    u32 leaf;
    enum reg reg;
    u32 bit;
};

static const struct feature hidden[] = {
    { "VME", 1, EDX, 1 },
    { "PSE", 1, EDX, 3 },
    { "MCE", 1, EDX, 7 },
    { "MTRR", 1, EDX, 12 },
    { "PGE", 1, EDX, 13 },
    { "MCA", 1, EDX, 14 },
    { "PSE36", 1, EDX, 17 },
    { "DS", 1, EDX, 21 },
    { "ACPI", 1, EDX, 22 },
    { "HTT", 1, EDX, 28 },
    { "TM", 1, EDX, 29 },
    { "PBE", 1, EDX, 31 },
    { "DTES64", 1, ECX, 2 },
    { "MONITOR", 1, ECX, 3 },
    { "DSCPL", 1, ECX, 4 },
    { "VMX", 1, ECX, 5 },
    { "SMX", 1, ECX, 6 },
    { "EIST", 1, ECX, 7 },
    { "TM2", 1, ECX, 8 },
    { "FMA", 1, ECX, 12 },
    { "PDCM", 1, ECX, 15 },
    { "PCID", 1, ECX, 17 },
    { "DCA", 1, ECX, 18 },
    { "x2APIC", 1, ECX, 21 },
    { "TSC deadline", 1, ECX, 24 },
    { "XSAVE", 1, ECX, 26 },
    { "OSXSAVE", 1, ECX, 27 },
    { "AVX", 1, ECX, 28 },
    { "F16C", 1, ECX, 29 },
    { "FSGSBASE", 7, EBX, 0 },
    { "TSC_ADJUST", 7, EBX, 1 },
    { "SGX", 7, EBX, 2 },
    { "HLE", 7, EBX, 4 },
    { "AVX2", 7, EBX, 5 },
    { "SMEP", 7, EBX, 7 },
    { "INVPCID", 7, EBX, 10 },
    { "RTM", 7, EBX, 11 },
    { "MPX", 7, EBX, 14 },
    { "AVX512F", 7, EBX, 16 },
    { "SMAP", 7, EBX, 20 },
    { "PT", 7, EBX, 25 },
    { "UMIP", 7, ECX, 2 },
    { "PKU", 7, ECX, 3 },
    { "WAITPKG", 7, ECX, 5 },
    { "CET_SS", 7, ECX, 7 },
    { "LA57", 7, ECX, 16 },
    { "RDPID", 7, ECX, 22 },
    { "PKS", 7, ECX, 31 },
    { "CET_IBT", 7, EDX, 20 },
    { "IBRS", 7, EDX, 26 },
    { "L1D_FLUSH", 7, EDX, 28 },
    { "ARCH_CAPS", 7, EDX, 29 },
    { "1 GiB pages", 0x80000001, EDX, 26 },
    { "PSE, AMD's", 0x80000001, EDX, 3 },
    { "MTRR, AMD's", 0x80000001, EDX, 12 },
    { "PGE, AMD's", 0x80000001, EDX, 13 },
    { "PSE36, AMD's", 0x80000001, EDX, 17 },
    { "FFXSR", 0x80000001, EDX, 25 },
    { "RDTSCP", 0x80000001, EDX, 27 },
    { "SVM", 0x80000001, ECX, 2 },
    { "IBS", 0x80000001, ECX, 10 },
    { "XOP", 0x80000001, ECX, 11 },
    { "SKINIT", 0x80000001, ECX, 12 },
    { "LWP", 0x80000001, ECX, 15 },
    { "FMA4", 0x80000001, ECX, 16 },
    { "PERFCTR", 0x80000001, ECX, 23 },
    { "MONITORX", 0x80000001, ECX, 29 },
};

static const struct feature shown[] = {
    { "FPU", 1, EDX, 0 },
    { "TSC", 1, EDX, 4 },
    { "MSR", 1, EDX, 5 },
    { "PAE", 1, EDX, 6 },
    { "CX8", 1, EDX, 8 },
    { "APIC", 1, EDX, 9 },
    { "SEP", 1, EDX, 11 },
    { "CMOV", 1, EDX, 15 },
    { "PAT", 1, EDX, 16 },
    { "CLFLUSH", 1, EDX, 19 },
    { "MMX", 1, EDX, 23 },
    { "FXSR", 1, EDX, 24 },
    { "SSE", 1, EDX, 25 },
    { "SSE2", 1, EDX, 26 },
    { "SSE3", 1, ECX, 0 },
    { "SSSE3", 1, ECX, 9 },
    { "CX16", 1, ECX, 13 },
    { "SSE4.1", 1, ECX, 19 },
    { "SSE4.2", 1, ECX, 20 },
    { "POPCNT", 1, ECX, 23 },
    { "AESNI", 1, ECX, 25 },
    { "ERMS", 7, EBX, 9 },
    { "SYSCALL", 0x80000001, EDX, 11 },
    { "NX", 0x80000001, EDX, 20 },
    { "LM", 0x80000001, EDX, 29 },
    { "LAHF", 0x80000001, ECX, 0 },
    { "constant TSC", 0x80000007, EDX, 8 },
};

START_TEST(test_hidden)
{
    struct cpuid_policy policy = policy_of(_i);

    for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
        ck_assert_msg(!(reg_of(cpuid_lookup(&policy, hidden[i].leaf, 0), hidden[i].reg) &
                        1U << hidden[i].bit),
                      "%s: %s is shown", model->name, hidden[i].name);
}
END_TEST

START_TEST(test_shown)
{
    struct cpuid_policy policy = policy_of(_i);

    for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
        const struct feature *f = &shown[i];
        struct cpuid_leaf raw = read_model(f->leaf, 0);
        u32 has = reg_of(&raw, f->reg) >> f->bit & 1;
        u32 says = reg_of(cpuid_lookup(&policy, f->leaf, 0), f->reg) >> f->bit & 1;

        ck_assert_msg(says == has, "%s: %s is %u, shown as %u", model->name, f->name, has, says);
    }
    ck_assert(cpuid_lookup(&policy, 1, 0)->ecx >>
              31); /* "there is a hypervisor" is said on every CPU */
}
END_TEST

/* Nothing is claimed that the CPU has not, but for that one bit. */
START_TEST(test_no_inventions)
{
    static const u32 leaves[] = { 1, 7, 0x80000001, 0x80000007 };
    struct cpuid_policy policy = policy_of(_i);

    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
        struct cpuid_leaf raw = read_model(leaves[i], 0);
        const struct cpuid_leaf *guest = cpuid_lookup(&policy, leaves[i], 0);

        ck_assert_uint_eq(guest->ecx & ~raw.ecx & ~(leaves[i] == 1 ? 1U << 31 : 0), 0);
        ck_assert_uint_eq(guest->edx & ~raw.edx, 0);
        if (leaves[i] != 1)
            ck_assert_uint_eq(guest->ebx & ~raw.ebx, 0);
    }
}
END_TEST

static void assert_zero(const struct cpuid_policy *policy, u32 leaf, u32 subleaf)
{
    const struct cpuid_leaf *l = cpuid_lookup(policy, leaf, subleaf);

    ck_assert_msg(!(l->eax | l->ebx | l->ecx | l->edx), "%s: leaf 0x%x/%u says something",
                  model->name, leaf, subleaf);
}

START_TEST(test_empty_leaves)
{
    static const u32 leaves[] = { 3,          5,          6,          0xa,        0xb,
                                  0xd,        0xf,        0x14,       0x20,       0x3fffffff,
                                  0x40000006, 0x40000100, 0x7fffffff, 0x8000000a, 0x8000001d,
                                  0x80000021, 0xc0000000, 0xffffffff };
    struct cpuid_policy policy = policy_of(_i);

    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
        assert_zero(&policy, leaves[i], 0);
    assert_zero(&policy, 7, 1);
    assert_zero(&policy, 7, ~0U);
    assert_zero(&policy, 4, 8);
    assert_zero(&policy, 4, ~0U);
}
END_TEST

START_TEST(test_identity)
{
    struct cpuid_policy policy = policy_of(_i);
    struct cpuid_leaf raw = read_model(0, 0), raw1 = read_model(1, 0),
                      ext = read_model(0x80000000, 0);
    const struct cpuid_leaf *l = cpuid_lookup(&policy, 0, 0);

    ck_assert_uint_le(l->eax, raw.eax);
    ck_assert_mem_eq(&l->ebx, &raw.ebx, 12); /* the vendor */
    assert_zero(&policy, l->eax + 1, 0);
    l = cpuid_lookup(&policy, 0x80000000, 0);
    ck_assert_uint_le(l->eax, ext.eax);
    ck_assert_uint_ge(l->eax, 0x80000001);
    l = cpuid_lookup(&policy, 1, 0);
    ck_assert_uint_eq(l->eax, raw1.eax);
    ck_assert_uint_eq(l->ebx & 0xff00, raw1.ebx & 0xff00); /* CLFLUSH line */
    ck_assert_uint_eq(l->ebx >> 16, 1);                    /* one logical CPU, APIC id 0 */
    l = cpuid_lookup(&policy, 0x80000008, 0);
    ck_assert_uint_eq(l->eax & 0xff, read_model(0x80000008, 0).eax & 0xff);
    ck_assert_uint_eq(l->eax >> 8,
                      read_model(0x80000008, 0).eax
                          ? 48
                          : 0); /* four levels of tables, even on a CPU that has five */
    ck_assert_uint_eq(cpuid_lookup(&policy, 0x80000008, 0)->ecx, 0); /* cores */
}
END_TEST

START_TEST(test_caches)
{
    struct cpuid_policy policy = policy_of(0);
    const struct cpuid_leaf *l = cpuid_lookup(&policy, 4, 3);

    ck_assert_uint_eq(l->eax, 0x163); /* level 3, unified; shared with nobody, one core */
    ck_assert_uint_eq(l->ebx, 0x03c0003f);
    ck_assert_uint_eq(l->ecx, 0x1fff);
    assert_zero(&policy, 4, 4);
}
END_TEST

START_TEST(test_hypervisor_leaves)
{
    struct cpuid_policy policy = policy_of(_i);
    const struct cpuid_leaf *l = cpuid_lookup(&policy, 0x40000000, 0);
    char signature[13] = { 0 };

    ck_assert_uint_ge(l->eax, 0x40000002);
    memcpy(signature, &l->ebx, 4);
    memcpy(signature + 4, &l->ecx, 4);
    memcpy(signature + 8, &l->edx, 4);
    ck_assert_str_eq(signature, "XenVMMXenVMM");
    ck_assert_uint_eq(cpuid_lookup(&policy, 0x40000001, 0)->eax, 0x00040011); /* 4.17 */
    l = cpuid_lookup(&policy, 0x40000002, 0);
    ck_assert_uint_eq(l->eax, 1);
    ck_assert_uint_eq(l->ebx, 0x40000000);
    ck_assert_uint_eq(l->ecx & 1, 1);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_loop_test(tests, test_hidden, 0, ARRAY_SIZE(models));
    tcase_add_loop_test(tests, test_shown, 0, ARRAY_SIZE(models));
    tcase_add_loop_test(tests, test_no_inventions, 0, ARRAY_SIZE(models));
    tcase_add_loop_test(tests, test_empty_leaves, 0, ARRAY_SIZE(models));
    tcase_add_loop_test(tests, test_identity, 0, ARRAY_SIZE(models));
    tcase_add_test(tests, test_caches);
    tcase_add_loop_test(tests, test_hypervisor_leaves, 0, ARRAY_SIZE(models));
}
