/*
 * The benchmark guest: what one operation of the hypervisor costs, in instructions.
 *
 * Under `-icount shift=0` a tick of the TSC is an instruction (checked by main with a loop of known
 * length), so a row's figure is the same on every machine. A row is a batch: a loop of `rounds`
 * rounds between two reads of the TSC. The guest's own side of a round is in it, which is why the
 * loops are as lean as they are, and is the same on every hypervisor.
 *
 * The same binary runs on Koan and, as dom0, on real Xen. Its figures are printed as lines `BENCH
 * name instructions`, and stand in bench_page. With `nonce=HEX` on the command line it waits before
 * and after each row until the runner has written nonce + step into `go`: so the runner can read
 * the hypervisor's own counters from outside, without a part of the hypervisor for it.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "guest.h"
#include "memory.h"
#include "trap.h"
#include "user.h"

#define BENCH_MAGIC 0x68636e65426e614bUL /* "KanBench" */

struct bench_result {
    char name[32];
    u64 instructions; /* of one round, in the middle one of the batches */
    u64 rounds;       /* all that ran between the two steps of the row */
};

/* One page; tests/bench/bench.py knows this layout. */
struct bench_page {
    u64 magic; /* BENCH_MAGIC */
    u64 nonce; /* from the command line */
    u64 step;  /* 2n + 1: row n is about to start; 2n + 2: it is done */
    u64 go;    /* written by the runner: nonce + the step from which to go on */
    u64 rows;  /* how many results follow */
    struct bench_result results[40];
};
static_assert(sizeof(struct bench_page) <= PAGE_SIZE, "one page");

struct row {
    const char *name;
    u64 rounds; /* in a batch */
    u64 (*batch)(u64 rounds);
    void (*prepare)(void); /* or NULL */
};

extern const struct row rows[];
extern const size_t nr_rows;

/* Time from first to last round; used as BATCH(name, statements). */
#define BATCH(name, ...) static SHARED_BATCH(name, __VA_ARGS__)
#define SHARED_BATCH(name, ...)                                                                    \
    u64 name(u64 rounds)                                                                           \
    {                                                                                              \
        u64 start = rdtsc();                                                                       \
        do {                                                                                       \
            __VA_ARGS__;                                                                           \
        } while (--rounds);                                                                        \
        return rdtsc() - start;                                                                    \
    }

static ALWAYS_INLINE u64 rdtsc(void)
{
    u32 low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (u64)high << 32 | low;
}

/* Hypercalls with as many registers loaded as the call has arguments. A call that was stopped on its way leaves others in them. */
static ALWAYS_INLINE s64 call3(u64 number, u64 a1, u64 a2, u64 a3)
{
    s64 result;

    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3)
                     : "a"(number)
                     : "rcx", "r11", "memory");
    return result;
}

static ALWAYS_INLINE s64 call2(u64 number, u64 a1, u64 a2)
{
    s64 result;

    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a1), "+S"(a2)
                     : "a"(number)
                     : "rcx", "r11", "memory");
    return result;
}

static ALWAYS_INLINE s64 call4(u64 number, u64 a1, u64 a2, u64 a3, u64 a4)
{
    register u64 r10 __asm__("r10") = a4;
    s64 result;

    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                     : "a"(number)
                     : "rcx", "r11", "memory");
    return result;
}

/* grants.c */
void grants_prepare(void);
void grant_copy_prepare(void);
u64 grant_map_unmap(u64 rounds);
u64 grant_map_unmap_32(u64 rounds);
u64 grant_copy_in(u64 rounds);
u64 grant_copy_out(u64 rounds);

/* events.c */
void events_prepare(void);
void events_upcall_prepare(void);
u64 event_send_pending(u64 rounds);
u64 event_send_ipi(u64 rounds);
u64 event_send_channel(u64 rounds);
u64 event_upcall(u64 rounds);
void timer_prepare(void);
u64 timer_upcall(u64 rounds);

/* traps.c: lean entries for exceptions and system calls, in place of the runtime's. */
void traps_measured(void); /* #UD steps over two bytes, #PF over three */
void traps_usual(void);

#define BENCH_SYSCALL                                                                              \
    0 /* a system call that the lean entry answers; all others go to the runtime's */
extern u8 bench_syscall_entry[], bench_event_entry[];

/* A row's preparation went wrong: the figure would be meaningless. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            guest_panic("%s:%d: not so: %s", __FILE_NAME__, __LINE__, #condition);                 \
    } while (0)

#endif
