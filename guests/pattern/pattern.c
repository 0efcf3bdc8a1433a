/*
 * Keeps a pattern of its own in its memory and looks at it until its time is up, while other domains do the same with theirs: nobody may
 * change it. After each look it also gives frames back, full of its pattern, and takes as many new ones, which may have been another's: no word
 * of that may be left in them.
 *
 * Command line: seed=N, seconds=N of system time. Between two looks it sleeps, so that others' timers and its own cross.
 */
#include "guest.h"
#include "memory.h"
#include "time.h"

#define WORDS     (MIB(4) / sizeof(u64))
#define NAP_NS    20000000UL
#define NS_PER_S  1000000000UL
#define MIX(seed) ((seed)*0x9e3779b97f4a7c15UL)

#define TRADED 64 /* frames */

static u64 pattern[WORDS];
static u64 pfns[TRADED], mfns[TRADED];

/* What stands where it should not. */
static u64 look(u64 seed)
{
    u64 wrong = 0;

    for (u64 i = 0; i < WORDS; i++)
        wrong += pattern[i] != MIX(seed + i);
    return wrong;
}

static void take_or_give(u32 cmd, u64 *extents)
{
    struct xen_memory_reservation arg = { .extent_start = (u64)extents,
                                          .nr_extents = TRADED,
                                          .domid = DOMID_SELF };

    if (memory_op(cmd, &arg) != TRADED)
        guest_panic("memory_op %u", cmd);
}

/* Other frames for those that it has: what stands in the new ones that is not zero. All of them are full of the pattern in the end. */
static u64 trade(u64 seed)
{
    u64 left = 0;

    take_or_give(XENMEM_decrease_reservation, mfns);
    memcpy(mfns, pfns, sizeof(mfns));
    take_or_give(XENMEM_populate_physmap, mfns);
    for (u64 i = 0; i < TRADED; i++) {
        volatile u64 *page = (volatile u64 *)SCRATCH_VA;

        map(SCRATCH_VA, mfns[i], PTE_RW_PAGE);
        for (u64 word = 0; word < PAGE_SIZE / sizeof(u64); word++) {
            left += page[word] != 0;
            page[word] = MIX(seed + i + word);
        }
    }
    if (update_va_mapping(SCRATCH_VA, 0, UVMF_INVLPG))
        guest_panic("the window can't be emptied");
    return left;
}

int main(void)
{
    u64 seed = cmdline_number("seed", 0), end = cmdline_number("seconds", 0) * NS_PER_S;
    u64 wrong = 0, looks = 0, left = 0;

    for (u64 i = 0; i < TRADED; i++) {
        pfns[i] = pfn_alloc();
        mfns[i] = pfn_mfn(pfns[i]);
    }
    for (u64 i = 0; i < WORDS; i++)
        pattern[i] = MIX(seed + i);
    print("clock %lu %lu\n", rdtsc(), system_time());
    while (system_time() < end) {
        wrong += look(seed);
        left += trade(seed);
        looks++;
        sleep_until(system_time() + NAP_NS);
    }
    print("clock %lu %lu\n", rdtsc(), system_time());
    print("pattern seed %lu: %lu looks, %lu wrong, %lu words of others\n", seed, looks, wrong,
          left);
    return 0;
}
