/*
 * What operations of Linux cost, in ticks of the TSC, which are instructions under `-icount shift=0`. Each row is measured several times and
 * the least is taken: the others hold timer interrupts.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <x86intrin.h>
#include "work.h"

enum { TRIES = 12, FAULT_PAGES = 64, MAP_BYTES = 65536 };

static int to_child[2], to_parent[2];

static void null_system_call(int rounds)
{
    for (int i = 0; i < rounds; i++)
        syscall(SYS_getppid);
}

static char *region;

static void page_fault(int rounds)
{
    for (int i = 0; i < rounds; i++)
        *(volatile char *)(region + (i << 12)) = 1;
}

static void fork_exit_wait(int rounds)
{
    while (rounds--) {
        pid_t child = fork();
        must(child >= 0);
        if (!child)
            _exit(0);
        status_of(child);
    }
}

static void fork_exec_wait(int rounds)
{
    while (rounds--) {
        pid_t child = fork();
        must(child >= 0);
        if (!child) {
            execl("/bin/nothing", "nothing", (char *)NULL);
            _exit(1);
        }
        must(!status_of(child));
    }
}

static void pipe_ping_pong(int rounds)
{
    char byte = 0;

    while (rounds--) {
        must(write(to_child[1], &byte, 1) == 1);
        must(read(to_parent[0], &byte, 1) == 1);
    }
}

static void mmap_64k(int rounds)
{
    while (rounds--) {
        char *at = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        must(at != MAP_FAILED);
        must(!munmap(at, MAP_BYTES));
    }
}

static const struct row {
    const char *name;
    void (*run)(int rounds);
    int rounds;
} rows[] = {
    { "null_system_call", null_system_call, 200 }, { "page_fault", page_fault, FAULT_PAGES },
    { "fork_exit_wait", fork_exit_wait, 2 },       { "fork_exec_wait", fork_exec_wait, 2 },
    { "pipe_ping_pong", pipe_ping_pong, 20 },      { "mmap_64k", mmap_64k, 4 },
};

/* A long NOP, by which where.c knows which row runs; outside of what is measured. */
#define BENCH_MARK(letter) asm volatile(".byte 0x0f, 0x1f, 0x80\n.ascii \"koa\"\n.byte " letter)
#define BENCH_END          "0xff"

/* The other side of the pipes. */
static pid_t echo(void)
{
    char byte;
    pid_t child;

    must(!pipe(to_child) && !pipe(to_parent));
    child = fork();
    must(child >= 0);
    if (child) {
        close(to_child[0]);
        close(to_parent[1]);
        return child;
    }
    close(to_child[1]);
    close(to_parent[0]);
    while (read(to_child[0], &byte, 1) == 1)
        must(write(to_parent[1], &byte, 1) == 1);
    _exit(0);
}

/* A fresh mapping for the faults of this try; its tables are there already, for the page before it has been touched. */
static void prepare(void)
{
    size_t size = (FAULT_PAGES + 1) << 12;

    if (region)
        must(!munmap(region - 4096, size));
    region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(region != MAP_FAILED);
    *(volatile char *)region = 1;
    region += 4096;
}

/* An instruction a row: its number is in its bytes. */
static void mark(size_t row)
{
    switch (row) {
    case 0:
        BENCH_MARK("0");
        break;
    case 1:
        BENCH_MARK("1");
        break;
    case 2:
        BENCH_MARK("2");
        break;
    case 3:
        BENCH_MARK("3");
        break;
    case 4:
        BENCH_MARK("4");
        break;
    case 5:
        BENCH_MARK("5");
        break;
    }
}
static_assert(sizeof(rows) / sizeof(rows[0]) == 6, "as many marks");

static void measure(const struct row *row)
{
    u64 least = ~0UL;

    for (int i = 0; i < TRIES; i++) {
        prepare();
        mark((size_t)(row - rows));
        u64 start = __rdtsc();
        row->run(row->rounds);
        u64 took = __rdtsc() - start;
        BENCH_MARK(BENCH_END);
        least = took < least ? took : least;
    }
    say("bench %s %lu", row->name, least / (u64)row->rounds);
}

void work_bench(u64 seed)
{
    struct timespec t;

    must(!clock_gettime(CLOCK_MONOTONIC, &t));
    say("bench boot_to_init_ms %lu", (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000);
    pid_t child = echo();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        measure(&rows[i]);
    close(to_child[1]);
    must(!status_of(child));
    say("bench seed %016lx", mix(seed, 0));
}
