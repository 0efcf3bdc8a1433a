/*
 * register_vcpu_info for a vCPU by itself and by the one that has just stopped it, both at once: one of them gets it, the other is refused.
 *
 * Were both taken, the first frame's use would never be given back. More vCPUs keep the domain's memory busy, so that both wait side by side.
 * Source: VCPUOP_register_vcpu_info in vcpu.h: once for each vCPU.
 */
#define NEEDS_VCPUS 24
#include "smp.h"
#include "test.h"

#define BUSY    2 /* vCPUs 1 and 2 */
#define UPDATES 256

static u8 *pages[2]; /* of the vCPU itself, of the one that stops it */
static volatile u64 ready, go, answered[NEEDS_VCPUS];
static volatile bool stop;

static s64 place(u32 id, const u8 *page)
{
    struct vcpu_register_vcpu_info arg = { .mfn = ptr_mfn(page), .offset = id * 64 };

    return vcpu_op(VCPUOP_register_vcpu_info, id, &arg);
}

static void keep_busy(u64 id)
{
    struct mmu_update updates[UPDATES];
    u8 *page = pages[0];

    for (u64 i = 0; i < UPDATES; i++)
        updates[i] =
            (struct mmu_update){ ptr_mfn(page) << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, va_pfn(page) };
    while (!stop)
        mmu_update(updates, UPDATES, NULL, DOMID_SELF);
    vcpu_op(VCPUOP_down, id, NULL);
}

static void race(u64 id)
{
    ready = id;
    while (go != id)
        __asm__ volatile("pause");
    answered[id] = (u64)place((u32)id, pages[0]) + 1000;
    vcpu_op(VCPUOP_down, id, NULL);
}

TEST
{
    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs %d vCPUs", NEEDS_VCPUS);
    for (int i = 0; i < 2; i++)
        pages[i] = page_alloc();
    for (u32 id = 1; id <= BUSY; id++)
        SETUP(smp_start(id, keep_busy, id) == 0);
    for (u32 id = BUSY + 1; id < NEEDS_VCPUS; id++) {
        SETUP(smp_start(id, race, id) == 0);
        while (ready != id)
            yield();
        go = id;
        CHECK_RC(vcpu_op(VCPUOP_down, id, NULL), 0);
        s64 own = place(id, pages[1]);
        while (!answered[id]) {
            vcpu_op(VCPUOP_up, id, NULL); /* or it would never answer */
            yield();
        }
        s64 its = (s64)answered[id] - 1000;
        CHECK_EQ((own == 0) + (its == 0), 1);
        CHECK_RC(own ? own : its, -XEN_EINVAL);
    }
    stop = true;
    while (smp_is_up(1) || smp_is_up(2))
        yield();
}
