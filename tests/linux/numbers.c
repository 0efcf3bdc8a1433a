/*
 * FPU state across switches, load on every CPU, clocks, sleeps.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <x86intrin.h>
#include "work.h"

enum { FPU_PROCESSES = 6, FPU_STEPS = 4000, CPU_STEPS = 40000, READS = 20000, SLEEPS = 20 };
#define SLEEP_NS 5000000L

static u64 now_ns(clockid_t clock)
{
    struct timespec t;

    must(!clock_gettime(clock, &t));
    return (u64)t.tv_sec * 1000000000UL + (u64)t.tv_nsec;
}

/*
 * The registers hold a pattern of this process while others run with theirs: rounding modes and MXCSR too. Nothing here but the asm
 * statement may use them in between.
 */
static u64 registers_kept(u64 pattern)
{
    uint32_t mxcsr = 0x1f80 | (uint32_t)((pattern & 3) << 13), mxcsr_after;
    uint16_t fcw = (uint16_t)(0x37f | ((pattern & 3) << 10)), fcw_after;
    uint32_t mxcsr_default = 0x1f80;
    u64 low, high, x87;

    asm volatile("ldmxcsr %[mxcsr]\n\t"
                 "fninit\n\t"
                 "fldcw %[fcw]\n\t"
                 "fildq %[pattern]\n\t"
                 "movq %[pattern], %%xmm3\n\t"
                 "movq %[pattern], %%xmm15\n\t"
                 "pslldq $8, %%xmm15\n\t"
                 "mov $24, %%eax\n\t" /* sched_yield */
                 "syscall\n\t"
                 "mov $24, %%eax\n\t"
                 "syscall\n\t"
                 "movq %%xmm3, %[low]\n\t"
                 "psrldq $8, %%xmm15\n\t"
                 "movq %%xmm15, %[high]\n\t"
                 "fistpq %[x87]\n\t"
                 "fnstcw %[fcw_after]\n\t"
                 "stmxcsr %[mxcsr_after]\n\t"
                 "fninit\n\t"
                 "ldmxcsr %[mxcsr_default]"
                 : [low] "=m"(low), [high] "=m"(high), [x87] "=m"(x87), [fcw_after] "=m"(fcw_after),
                   [mxcsr_after] "=m"(mxcsr_after)
                 : [mxcsr] "m"(mxcsr), [fcw] "m"(fcw), [pattern] "m"(pattern),
                   [mxcsr_default] "m"(mxcsr_default)
                 : "rax", "rcx", "r11", "xmm3", "xmm15", "memory", "st");
    return low == pattern && high == pattern && x87 == pattern && mxcsr_after == mxcsr &&
           fcw_after == fcw;
}

/* A chaotic sequence: one wrong bit anywhere, and its end is another number. */
static u64 chaos(u64 seed)
{
    double x = (double)(seed % 1000 + 1) / 1002.0;
    u64 bits, pattern = seed >> 2; /* as a signed number the x87 holds it exactly */

    for (int i = 0; i < FPU_STEPS; i++) {
        x = 3.9 * x * (1.0 - x);
        if (i % 40 == 0)
            must(registers_kept(pattern + (u64)i));
    }
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

void work_fpu(u64 seed)
{
    u64 sum = 0, part;
    int ends[2];
    pid_t child[FPU_PROCESSES];

    must(!pipe(ends));
    for (u64 i = 0; i < FPU_PROCESSES; i++) {
        child[i] = fork();
        must(child[i] >= 0);
        if (child[i])
            continue;
        part = chaos(mix(seed, i)) * (i + 1);
        must(write(ends[1], &part, sizeof(part)) == sizeof(part));
        _exit(0);
    }
    for (int i = 0; i < FPU_PROCESSES; i++) {
        must(!status_of(child[i]));
        must(read(ends[0], &part, sizeof(part)) == sizeof(part));
        sum += part;
    }
    say("fpu %016lx", sum);
}

/* One process a CPU, at the same time, each tied to its own. */
void work_cpus(u64 seed)
{
    cpu_set_t all, one;
    int children = 0;

    must(!sched_getaffinity(0, sizeof(all), &all));
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        pid_t child = fork();
        must(child >= 0);
        children++;
        if (child)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        must(!sched_setaffinity(0, sizeof(one), &one));
        u64 value = seed + (u64)cpu;
        for (int i = 0; i < CPU_STEPS; i++) {
            value = mix(value, (u64)i);
            if (i % 1000 == 0)
                must(sched_getcpu() == cpu);
        }
        say("cpu %d %016lx", cpu, value);
        _exit(0);
    }
    while (children--)
        must(!status_of(-1));
}

/* Readers on all CPUs compare what they read with the latest that any of them has read before. */
void work_clock(u64 seed)
{
    static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
    u64 *latest = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long readers = sysconf(_SC_NPROCESSORS_ONLN);
    pid_t child[64];
    int back = 0;

    (void)seed;
    must(latest != MAP_FAILED && readers > 0 && readers <= 64);
    for (long r = 0; r < readers; r++) {
        child[r] = fork();
        must(child[r] >= 0);
        if (child[r])
            continue;
        for (int i = 0; i < READS; i++)
            for (int c = 0; c < 2; c++) {
                u64 before = __atomic_load_n(&latest[c], __ATOMIC_SEQ_CST), now = now_ns(clocks[c]);
                back += now < before;
                while (before < now &&
                       !__atomic_compare_exchange_n(&latest[c], &before, now, 0, __ATOMIC_SEQ_CST,
                                                    __ATOMIC_SEQ_CST))
                    ;
            }
        _exit(back > 200 ? 200 : back);
    }
    for (long r = 0; r < readers; r++)
        back += status_of(child[r]);
    say("clock %ld %d", readers, back);
}

/* What the TSC and the system clock say, at one moment: the least of some distances between two looks at the TSC. */
void work_now(u64 seed)
{
    u64 best = ~0UL, tsc = 0, ns = 0;

    (void)seed;
    for (int i = 0; i < 16; i++) {
        u64 before = __rdtsc(), now = now_ns(CLOCK_MONOTONIC), after = __rdtsc();
        if (after - before >= best)
            continue;
        best = after - before;
        tsc = before + best / 2;
        ns = now;
    }
    say("now %lu %lu", tsc, ns);
}

void work_sleep(u64 seed)
{
    u64 least = ~0UL, most = 0;

    (void)seed;
    for (int i = 0; i < SLEEPS; i++) {
        u64 start = now_ns(CLOCK_MONOTONIC), slept;
        must(!nanosleep(&(struct timespec){ .tv_nsec = SLEEP_NS }, NULL));
        slept = now_ns(CLOCK_MONOTONIC) - start;
        least = slept < least ? slept : least;
        most = slept > most ? slept : most;
    }
    say("sleep %ld %lu %lu", SLEEP_NS, least, most);
}
