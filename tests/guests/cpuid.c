/*
 * CPUID as a guest kernel asks for it: by the forced-emulation prefix, which gives what the hypervisor wants it to see.
 *
 * Leaf 0x40000000 says who the hypervisor is; bit 31 of leaf 1 that there is one. Features that a PV guest cannot use are hidden,
 * those that 64-bit kernels rely on are there. Source: the checklist, section 4.
 */
#include "test.h"

static struct {
    u32 eax, ebx, ecx, edx;
} leaf;

static void cpuid(u32 number, u32 sub)
{
    __asm__ volatile(XEN_CPUID
                     : "=a"(leaf.eax), "=b"(leaf.ebx), "=c"(leaf.ecx), "=d"(leaf.edx)
                     : "a"(number), "c"(sub));
}

TEST
{
    cpuid(XEN_CPUID_FIRST_LEAF, 0);
    CHECK_EQ(leaf.ebx, XEN_CPUID_SIGNATURE_EBX);
    CHECK_EQ(leaf.ecx, XEN_CPUID_SIGNATURE_ECX);
    CHECK_EQ(leaf.edx, XEN_CPUID_SIGNATURE_EDX);
    CHECK(leaf.eax >= XEN_CPUID_LEAF(2));
    cpuid(XEN_CPUID_LEAF(1), 0);
    CHECK_EQ(leaf.eax, 4 << 16 | 17);
    cpuid(XEN_CPUID_LEAF(2), 0);
    CHECK_EQ(leaf.eax, 1);

    cpuid(1, 0);
    CHECK(leaf.ecx & BIT(31)); /* hypervisor */
    CHECK_EQ(leaf.edx & (BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(8)),
             BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(8)); /* FPU TSC MSR PAE CX8 */
    CHECK_EQ(leaf.edx & (BIT(15) | BIT(24) | BIT(25) | BIT(26)),
             BIT(15) | BIT(24) | BIT(25) | BIT(26)); /* CMOV FXSR SSE SSE2 */
    CHECK_EQ(leaf.edx & BIT(1), 0);                  /* VME */
    CHECK_EQ(leaf.edx & BIT(17), 0);                 /* PSE36 */
    CHECK_EQ(leaf.ecx & (BIT(5) | BIT(6)), 0);       /* VMX, SMX */
    CHECK_EQ(leaf.ecx & BIT(17), 0);                 /* PCID */
    CHECK_EQ(leaf.ecx & BIT(24), 0);                 /* TSC deadline */
    cpuid(7, 0);
    CHECK_EQ(leaf.ebx & (BIT(7) | BIT(10) | BIT(20)), 0); /* SMEP, INVPCID, SMAP */
    CHECK_EQ(leaf.ecx & (BIT(2) | BIT(3) | BIT(16)), 0);  /* UMIP, PKU, LA57 */
    cpuid(0x80000001, 0);
    CHECK_EQ(leaf.edx & (BIT(11) | BIT(20) | BIT(29)),
             BIT(11) | BIT(20) | BIT(29)); /* SYSCALL, NX, long mode */
    CHECK_EQ(leaf.ecx & BIT(2), 0);        /* SVM */
}
