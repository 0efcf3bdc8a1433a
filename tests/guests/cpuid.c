/*
 * CPUID behind the forced-emulation prefix: what the hypervisor wants a guest to see.
 *
 * The leaves at 0x40000000 say that it is Xen's ABI, and features are hidden that the guest's
 * kernel can't use: large pages, PCID, SMEP, VMX and such. The eighth byte of the instruction may
 * be in a page that is not there. Other instructions behind the prefix are not emulated. Source:
 * arch-x86/cpuid.h of Xen's public headers; checklist section 4.
 */
#include "test.h"

struct leaf {
    u32 eax, ebx, ecx, edx;
};

static struct leaf cpuid(u32 leaf, u32 subleaf)
{
    struct leaf r;

    __asm__ volatile(XEN_CPUID
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static void hypervisor_leaves(void)
{
    struct leaf l = cpuid(0x40000000, 0);

    CHECK(l.eax >= 0x40000002);
    CHECK_EQ(l.ebx, 0x566e6558); /* XenVMMXenVMM */
    CHECK_EQ(l.ecx, 0x65584d4d);
    CHECK_EQ(l.edx, 0x4d4d566e);
    CHECK_EQ(cpuid(0x40000001, 0).eax, (u64)xen_version(XENVER_version, NULL));
    l = cpuid(0x40000002, 0);
    CHECK_EQ(l.eax, 1);
    CHECK_EQ(l.ebx, 0x40000000);
}

static void features(void)
{
    struct leaf l = cpuid(1, 0);

    CHECK(l.ecx >> 31 & 1);                                     /* a hypervisor is there */
    CHECK_EQ(l.ecx & (BIT(3) | BIT(5) | BIT(17)), 0);           /* MONITOR, VMX, PCID */
    CHECK_EQ(l.edx & (BIT(1) | BIT(3) | BIT(13) | BIT(17)), 0); /* VME, PSE, PGE, PSE36 */
    CHECK_EQ(l.edx & (BIT(6) | BIT(8) | BIT(26)), BIT(6) | BIT(8) | BIT(26)); /* PAE, CX8, SSE2 */
    l = cpuid(7, 0);
    CHECK_EQ(l.ebx & (BIT(7) | BIT(10) | BIT(20)), 0); /* SMEP, INVPCID, SMAP */
    CHECK_EQ(l.ecx & (BIT(2) | BIT(3) | BIT(16)), 0);  /* UMIP, PKU, LA57 */
    l = cpuid(0x80000001, 0);
    CHECK_EQ(l.ecx & BIT(2), 0);                              /* SVM */
    CHECK_EQ(l.edx & BIT(26), 0);                             /* pages of 1 GiB */
    CHECK_EQ(l.edx & (BIT(11) | BIT(29)), BIT(11) | BIT(29)); /* SYSCALL, LM */
}

/*
 * The instruction at the very end of a page, with nothing mapped behind it: the next fetch is what
 * faults.
 */
static void at_the_edge(void)
{
    static const u8 code[] = { 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2 };
    u8 *page = page_alloc(), *next = page_alloc();

    SETUP(next == page + PAGE_SIZE);
    memcpy(next - sizeof(code), code, sizeof(code));
    SETUP(update_va_mapping((u64)next, 0, UVMF_INVLPG) == 0);
    trap_last.vector = -1;
    probe_call(next - sizeof(code), 0);
    CHECK_EQ(trap_last.vector, TRAP_PF);
    CHECK_EQ(trap_last.cr2, (u64)next);
}

TEST
{
    hypervisor_leaves();
    features();
    at_the_edge();
    CHECK_TRAP(TRY(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; rdtsc"), TRAP_UD);
    CHECK_TRAP(TRY(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; hlt"), TRAP_UD);
    CHECK_TRAP(TRY(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6d, 0x0f, 0xa2"), TRAP_UD); /* "xem" */
}
