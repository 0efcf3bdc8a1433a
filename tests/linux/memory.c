/*
 * Memory: a storm of mappings, each filled with numbers of the seed, and what is read from them later; and a pattern in much memory that
 * is looked at again and again, for the run of several domains: nobody else may change it. Between two looks a part of it is given back to the kernel
 * and touched anew: what comes in its place is empty, as Linux has cleared it, and stays ours. (What a frame held when it came from the hypervisor no
 * program of Linux can see; guests/pattern looks at that.)
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include "work.h"

enum { ROUNDS = 96, PAGES = 64, WORDS = 512, PATTERN_MIB = 24, LOOKS = 8, TRADED_MIB = 6 };

static u64 *map(size_t pages)
{
    u64 *at = mmap(NULL, pages << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    must(at != MAP_FAILED);
    return at;
}

static void fill(u64 *at, size_t pages, u64 seed)
{
    for (size_t p = 0; p < pages; p++)
        at[p * WORDS + p % WORDS] = mix(seed, p);
}

static u64 sum(const u64 *at, size_t pages)
{
    u64 total = 0;

    for (size_t p = 0; p < pages; p++)
        total += at[p * WORDS + p % WORDS] * (p + 1);
    return total;
}

/* A child writes over its copy; ours must not change, and it must have seen ours. */
static void copy_on_write(u64 *at, size_t pages)
{
    u64 before = sum(at, pages);
    pid_t child = fork();

    must(child >= 0);
    if (!child) {
        if (sum(at, pages) != before)
            _exit(1);
        fill(at, pages, ~before);
        _exit(sum(at, pages) == before);
    }
    must(!status_of(child));
    must(sum(at, pages) == before);
}

/* One mapping's life. Fresh memory is zero; what is moved and protected keeps its contents. */
static u64 round_of(u64 seed, u64 number)
{
    size_t pages = 2 + mix(seed, number) % PAGES;
    u64 *at = map(pages);

    must(sum(at, pages) == 0);
    fill(at, pages, seed ^ number);
    must(!mprotect(at, pages << 12, PROT_READ));
    must(!mprotect(at, (pages / 2) << 12, PROT_READ | PROT_WRITE));
    at[0] ^= number;
    at[0] ^= number;
    must(!mprotect(at, pages << 12, PROT_READ | PROT_WRITE));
    at = mremap(at, pages << 12, (pages + PAGES) << 12, MREMAP_MAYMOVE);
    must(at != MAP_FAILED && at[pages * WORDS] == 0);
    at = mremap(at, (pages + PAGES) << 12, pages << 12, 0);
    must(at != MAP_FAILED);
    if (number % 8 == 0)
        copy_on_write(at, pages);
    u64 result = sum(at, pages);
    must(!madvise(at, pages << 12, MADV_DONTNEED));
    must(sum(at, pages) == 0);
    must(!munmap(at, pages << 12));
    return result;
}

void work_memory(u64 seed)
{
    u64 total = 0;

    for (u64 i = 0; i < ROUNDS; i++)
        total += round_of(seed, i) * (i + 1);
    say("memory %016lx", total);
}

static u64 pattern_at(u64 seed, size_t i)
{
    return seed + i * 0x9e3779b97f4a7c15UL;
}

static size_t look(const u64 *at, size_t words, u64 seed)
{
    size_t wrong = 0;

    for (size_t i = 0; i < words; i++)
        wrong += at[i] != pattern_at(seed, i);
    return wrong;
}

/* Words that are not zero in memory that has been given back; the pattern stands there again afterwards. */
static size_t trade(u64 *at, size_t first, size_t words, u64 seed)
{
    size_t left = 0;

    must(!madvise(at + first, words * sizeof(u64), MADV_DONTNEED));
    for (size_t i = first; i < first + words; i++) {
        left += at[i] != 0;
        at[i] = pattern_at(seed, i);
    }
    return left;
}

void work_pattern(u64 seed)
{
    size_t words = ((size_t)PATTERN_MIB << 20) / sizeof(u64),
           traded = ((size_t)TRADED_MIB << 20) / sizeof(u64), wrong = 0;
    u64 *at = map(words / WORDS);

    for (size_t i = 0; i < words; i++)
        at[i] = pattern_at(seed, i);
    for (size_t n = 0; n < LOOKS; n++) {
        wrong += look(at, words, seed);
        wrong += trade(at, n % (words / traded) * traded, traded, seed);
        usleep(100000);
    }
    say("pattern %zu", wrong + look(at, words, seed));
}
