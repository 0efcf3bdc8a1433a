/*
 * Keeps a pattern of its own in its memory and looks at it until its time is up, while other domains do the same with theirs: nobody may
 * change it.
 *
 * Command line: seed=N, seconds=N of system time. Between two looks it sleeps, so that others' timers and its own cross.
 */
#include "guest.h"
#include "time.h"

#define WORDS     (MIB(4) / sizeof(u64))
#define NAP_NS    20000000UL
#define NS_PER_S  1000000000UL
#define MIX(seed) ((seed)*0x9e3779b97f4a7c15UL)

static u64 pattern[WORDS];

/* What stands where it should not. */
static u64 look(u64 seed)
{
    u64 wrong = 0;

    for (u64 i = 0; i < WORDS; i++)
        wrong += pattern[i] != MIX(seed + i);
    return wrong;
}

int main(void)
{
    u64 seed = cmdline_number("seed", 0), end = cmdline_number("seconds", 0) * NS_PER_S;
    u64 wrong = 0, looks = 0;

    for (u64 i = 0; i < WORDS; i++)
        pattern[i] = MIX(seed + i);
    print("clock %lu %lu\n", rdtsc(), system_time());
    while (system_time() < end) {
        wrong += look(seed);
        looks++;
        sleep_until(system_time() + NAP_NS);
    }
    print("clock %lu %lu\n", rdtsc(), system_time());
    print("pattern seed %lu: %lu looks, %lu wrong\n", seed, looks, wrong);
    return 0;
}
