/*
 * What Linux does in our tests, in small static programs: each part does real work whose answer depends on a seed that it is told, and
 * prints it as `LINUX name value...`. The runner (answers.py) computes the same from the seed, outside: a value cannot be guessed.
 *
 * Lines are written in one piece, so that those of several processes and the kernel's own don't get into each other.
 */
#ifndef KOAN_TESTS_LINUX_WORK_H
#define KOAN_TESTS_LINUX_WORK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef uint64_t u64;

/* The number that stands at INDEX of the seed's sequence (splitmix64). */
static inline u64 mix(u64 seed, u64 index)
{
    u64 z = seed + (index + 1) * 0x9e3779b97f4a7c15UL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9UL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebUL;
    return z ^ (z >> 31);
}

/* A line of the protocol. */
#define say(...)                                                                                   \
    do {                                                                                           \
        char line_[256];                                                                           \
        int length_ = snprintf(line_, sizeof(line_), "LINUX " __VA_ARGS__);                        \
        line_[length_++] = '\n';                                                                   \
        if (write(1, line_, (size_t)length_) != length_)                                           \
            _exit(9);                                                                              \
    } while (0)

/* What must not fail; errno tells why it did. */
#define must(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            say("broken %s:%d %s: %m", __FILE__, __LINE__, #what);                                 \
            _exit(8);                                                                              \
        }                                                                                          \
    } while (0)

/* The exit status of a child, which must have ended by itself. */
int status_of(pid_t child);

/* processes.c: a tree of processes, storms of fork and exec. */
void work_tree(u64 seed);
void work_forks(u64 seed);
void work_execs(u64 seed);

/* memory.c: mappings made, shrunk, moved, protected, copied on write, thrown away; a pattern that must last. */
void work_memory(u64 seed);
void work_pattern(u64 seed);

/* signals.c: queued between processes, faults caught, breakpoints and single steps, interval timers. */
void work_signals(u64 seed);

/* numbers.c: FPU state across switches; load on every CPU; clocks that never go back; sleeps. */
void work_fpu(u64 seed);
void work_cpus(u64 seed);
void work_clock(u64 seed);
void work_now(u64 seed);
void work_sleep(u64 seed);

/* bench.c: the rows of `make bench-linux`. */
void work_bench(u64 seed);

#endif
