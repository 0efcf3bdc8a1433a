/*
 * TLB shootdown between vCPUs: after one has changed a mapping and flushed by hypercall, another that reads through it all the time sees the new page, never
 * the old one again. For update_va_mapping with the flags for all and for a bitmap of vCPUs, and for mmuext_op's multi and all. Source: xen.h.
 */
#include "test.h"
#include "memory.h"
#include "smp.h"

#define NEEDS_VCPUS 2
#define ROUNDS      300

static u64 pages[2][PAGE_SIZE / 8] ALIGNED(4096);
static u64 window[PAGE_SIZE / 8] ALIGNED(4096);

static volatile u64 asked, answered, seen;
static volatile bool up;

/* Reads what it is asked for, and keeps the window's entry in its TLB all the time. */
static void second(u64 argument)
{
    (void)argument;
    up = true;
    for (;;) {
        u64 value = *(volatile u64 *)window;

        if (asked == answered)
            continue;
        value = *(volatile u64 *)window;
        seen = value;
        __asm__ volatile("" ::: "memory");
        answered = asked;
    }
}

static u64 other_reads(void)
{
    asked++;
    while (answered != asked)
        yield();
    return seen;
}

static void remap(int which, u64 flags)
{
    CHECK_RC(update_va_mapping((u64)window, pte_make(ptr_mfn(pages[which]), PTE_P | PTE_A | PTE_US),
                               flags),
             0);
}

static void flush(u32 cmd, u64 arg1, u64 *mask)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.linear_addr = arg1, .arg2.vcpumask = (u64)mask };

    CHECK_RC(mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
}

static void change(int which, int how, u64 *mask)
{
    switch (how) {
    case 0:
        remap(which, UVMF_TLB_FLUSH | UVMF_ALL);
        break;
    case 1:
        remap(which, UVMF_INVLPG | UVMF_ALL);
        break;
    case 2:
        remap(which, UVMF_TLB_FLUSH | (u64)mask);
        break;
    case 3:
        remap(which, UVMF_INVLPG | (u64)mask);
        break;
    case 4:
        remap(which, 0);
        flush(MMUEXT_TLB_FLUSH_MULTI, 0, mask);
        break;
    case 5:
        remap(which, 0);
        flush(MMUEXT_INVLPG_MULTI, (u64)window, mask);
        break;
    case 6:
        remap(which, 0);
        flush(MMUEXT_TLB_FLUSH_ALL, 0, NULL);
        break;
    default:
        remap(which, 0);
        flush(MMUEXT_INVLPG_ALL, (u64)window, NULL);
        break;
    }
}

TEST
{
    static u64 mask ALIGNED(8) = 3;

    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs two vCPUs");
    pages[0][0] = 1000;
    pages[1][0] = 1001;
    remap(0, UVMF_TLB_FLUSH | UVMF_ALL);
    CHECK_RC(smp_start(1, second, 0), 0);
    while (!up)
        yield();
    for (int i = 0; i < ROUNDS; i++) {
        change(i & 1, i / 2 % 8, &mask);
        u64 got = other_reads();
        if (got != 1000U + (i & 1))
            TEST_FAIL("way %d, round %d: the other vCPU still reads %lu", i / 2 % 8, i, got);
    }
}
