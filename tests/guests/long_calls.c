/*
 * Calls that take long: the hypervisor breaks them off where an interrupt waits, and goes on by executing the instruction again.
 *
 * The guest must not notice: the result and the count of entries done are those of the whole list, every entry is done once, and the
 * registers that carry no argument of the call keep their values. Tens of thousands of entries, several times, for all calls with lists.
 */
#include "test.h"

enum { ENTRIES = 512, ROUNDS = 40 };

/* The call with values in the registers that it has no arguments for; they must come back. */
static s64 call(u64 number, u64 a1, u64 a2, u64 a3, u64 a4)
{
    register u64 r10 __asm__("r10") = a4;
    register u64 r9 __asm__("r9") = 0x9999;
    register u64 r8 __asm__("r8") = 0x8888;
    register u64 r15 __asm__("r15") = 0x1515;
    s64 rc;

    __asm__ volatile("syscall"
                     : "=a"(rc), "+r"(r10), "+r"(r9), "+r"(r8), "+r"(r15), "+D"(a1), "+S"(a2),
                       "+d"(a3)
                     : "a"(number)
                     : "rcx", "r11", "memory");
    u64 got9 = r9, got8 = r8, got15 = r15;
    CHECK_EQ(got9, 0x9999);
    CHECK_EQ(got8, 0x8888);
    CHECK_EQ(got15, 0x1515);
    return rc;
}

static void long_mmu_update(u64 *l1, u64 mfn)
{
    static struct mmu_update list[ENTRIES * 8];
    u32 done = 0;

    for (u64 i = 0; i < ARRAY_SIZE(list); i++)
        list[i] = (struct mmu_update){ .ptr = ptr_maddr(&l1[i % 512]),
                                       .val = pte_make(mfn, PTE_RO_PAGE) };
    CHECK_RC(call(__HYPERVISOR_mmu_update, (u64)list, ARRAY_SIZE(list), (u64)&done, DOMID_SELF), 0);
    CHECK_EQ(done, ARRAY_SIZE(list));
}

static void long_mmuext_op(void)
{
    static struct mmuext_op list[ENTRIES];
    u32 done = 0;

    for (u64 i = 0; i < ENTRIES; i++)
        list[i].cmd = MMUEXT_TLB_FLUSH_LOCAL;
    CHECK_RC(call(__HYPERVISOR_mmuext_op, (u64)list, ENTRIES, (u64)&done, DOMID_SELF), 0);
    CHECK_EQ(done, ENTRIES);
}

static void long_multicall(void)
{
    static struct multicall_entry list[ENTRIES];

    for (u64 i = 0; i < ENTRIES; i++)
        list[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version,
                                            .args = { i % 2 ? XENVER_pagesize : XENVER_version } };
    CHECK_RC(call(__HYPERVISOR_multicall, (u64)list, ENTRIES, 0, 0), 0);
    for (u64 i = 0; i < ENTRIES; i++)
        CHECK_EQ(list[i].result, i % 2 ? 4096 : 4 << 16 | 17);
}

static void long_reservation(void)
{
    static u64 frames[64], pfns[64];
    struct xen_memory_reservation arg = { .extent_start = (u64)frames,
                                          .nr_extents = 64,
                                          .domid = DOMID_SELF };

    for (u64 i = 0; i < 64; i++) {
        pfns[i] = pfns[i] ? pfns[i] : pfn_alloc();
        frames[i] = frames[i] ? frames[i] : pfn_mfn(pfns[i]);
    }
    CHECK_RC(call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (u64)&arg, 0, 0), 64);
    memcpy(frames, pfns, sizeof(frames));
    CHECK_RC(call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (u64)&arg, 0, 0), 64);
}

TEST
{
    u64 mfn = ptr_mfn(page_alloc());

    map(SCRATCH_VA, mfn, PTE_RO_PAGE);
    for (int i = 0; i < ROUNDS; i++) {
        long_mmu_update((u64 *)((u64)pte_of(SCRATCH_VA, 1) & PAGE_MASK), mfn);
        long_mmuext_op();
        long_multicall();
        long_reservation();
    }
}
