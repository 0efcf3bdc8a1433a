/*
 * Runs the rows: prepare, warm up, tell the runner, some batches of which the middle one counts
 * (interrupts of the hypervisor's fall into a few), tell the runner.
 */
#include "bench.h"
#include "median.h"

#define BATCHES 15 /* odd */

static struct bench_page page ALIGNED(PAGE_SIZE);
static bool runner; /* somebody answers */

/* No hypercalls while waiting: the runner reads the hypervisor's counters now. */
static void step(u64 number)
{
    __atomic_store_n(&page.step, number, __ATOMIC_RELEASE);
    while (runner && __atomic_load_n(&page.go, __ATOMIC_ACQUIRE) != page.nonce + number)
        __asm__ volatile("pause");
}

/* 10,000 instructions; the TSC must say so. */
static void check_clock(void)
{
    u64 count = 5000, start = rdtsc();

    __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(count));
    u64 ticks = rdtsc() - start;
    print("BENCH-CLOCK %lu\n", ticks);
    if (ticks < 10000 || ticks > 10100)
        print("the TSC doesn't count instructions here (icount): the figures mean little\n");
}

static void run_row(size_t n)
{
    const struct row *row = &rows[n];
    struct bench_result *result = &page.results[n];
    u64 ticks[BATCHES];

    if (row->prepare)
        row->prepare();
    row->batch(2);
    step(2 * n + 1);
    for (int i = 0; i < BATCHES; i++)
        ticks[i] = row->batch(row->rounds);
    result->rounds = BATCHES * row->rounds;
    result->instructions = median(ticks, BATCHES) / row->rounds;
    step(2 * n + 2);
}

int main(void)
{
    MUST(nr_rows <= ARRAY_SIZE(page.results));
    page.nonce = cmdline_hex("nonce", 0);
    runner = page.nonce;
    page.rows = nr_rows;
    for (size_t i = 0; i < nr_rows; i++)
        strlcpy(page.results[i].name, rows[i].name, sizeof(page.results[i].name));
    __atomic_store_n(&page.magic, BENCH_MAGIC, __ATOMIC_RELEASE);
    print("BENCH-PAGE %lx\n", ptr_mfn(&page));
    check_clock();
    for (size_t i = 0; i < nr_rows; i++)
        run_row(i);
    for (size_t i = 0; i < nr_rows; i++)
        print("BENCH %s %lu\n", page.results[i].name, page.results[i].instructions);
    return 0;
}
