/*
 * Two domains that hand an event to and fro: what a round costs, with both wake-ups and both switches between them.
 *
 * Run twice, with role=a peer=ID and role=b peer=ID (lib/pair.h). a measures: under icount a tick of the TSC is an instruction. The middle
 * one of some batches counts, as interrupts fall into a few.
 */
#include "pair.h"
#include "time.h"

#define ROUNDS  64 /* in a batch */
#define BATCHES 15 /* odd */

static u64 batch(u32 port, bool first)
{
    u64 start = rdtsc();

    for (int i = 0; i < ROUNDS; i++) {
        if (first)
            pair_signal(port);
        pair_wait(port);
        if (!first)
            pair_signal(port);
    }
    return (rdtsc() - start) / ROUNDS;
}

static u64 median(u64 *values, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j && values[j] < values[j - 1]; j--) {
            u64 value = values[j];

            values[j] = values[j - 1];
            values[j - 1] = value;
        }
    return values[n / 2];
}

int main(void)
{
    bool first = pair_is_a();
    u32 port = pair_connect();
    u64 ticks[BATCHES];

    batch(port, first);
    for (int i = 0; i < BATCHES; i++)
        ticks[i] = batch(port, first);
    if (first)
        print("BENCH ping_pong %lu\n", median(ticks, BATCHES));
    return 0;
}
