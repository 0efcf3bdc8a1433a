/*
 * Signals: queued ones between two processes, with their values; faults that a handler mends; breakpoints; single steps; a ticking timer.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include "work.h"

enum { QUEUED = 64, FAULTS = 32, DIVISIONS = 16, BREAKPOINTS = 16, STEPS = 20, TICKS = 20 };

static volatile sig_atomic_t count;
static char *volatile expected;
static sigjmp_buf back;

static void catch (int number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

    must(!sigaction(number, &action, NULL));
}

/* Numbers go to a child as signals and come back, one by one, with the bits turned. */
static u64 ping_pong(u64 seed)
{
    sigset_t set;
    siginfo_t info;
    u64 sum = 0;
    pid_t parent = getpid();

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    must(!sigprocmask(SIG_BLOCK, &set, NULL));
    pid_t child = fork();
    must(child >= 0);
    for (u64 i = 0; i < QUEUED; i++) {
        if (child)
            must(!sigqueue(child, SIGRTMIN, (union sigval){ .sival_int = (int)mix(seed, i) }));
        must(sigwaitinfo(&set, &info) == SIGRTMIN);
        if (!child)
            must(!sigqueue(parent, SIGRTMIN,
                           (union sigval){ .sival_int = ~info.si_value.sival_int }));
        else
            sum += (u64)(unsigned)info.si_value.sival_int * (i + 1);
    }
    if (!child)
        _exit(0);
    must(!status_of(child));
    return sum;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if (info->si_addr != expected || mprotect((char *)info->si_addr, 4096, PROT_READ | PROT_WRITE))
        _exit(7);
    count++;
}

static int faults(void)
{
    char *at = mmap(NULL, FAULTS << 12, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    must(at != MAP_FAILED);
    catch (SIGSEGV, on_fault);
    count = 0;
    for (int i = 0; i < FAULTS; i++) {
        expected = at + (i << 12);
        *(volatile char *)expected = (char)i;
    }
    return count;
}

static void on_division(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    count += info->si_code == FPE_INTDIV;
    siglongjmp(back, 1);
}

static int divisions(void)
{
    catch (SIGFPE, on_division);
    count = 0;
    for (volatile int i = 0; i < DIVISIONS; i++)
        if (!sigsetjmp(back, 1))
            asm volatile("divl %0" ::"r"(0), "a"(1), "d"(0));
    return count;
}

static void on_trap(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    count++;
}

static int breakpoints(void)
{
    catch (SIGTRAP, on_trap);
    count = 0;
    for (int i = 0; i < BREAKPOINTS; i++)
        asm volatile("int3");
    return count;
}

/* The trap flag is set for STEPS instructions, the POPF that clears it again included; the one that sets it does not count. */
static int single_steps(void)
{
    catch (SIGTRAP, on_trap);
    count = 0;
    asm volatile("sub $128, %%rsp\n\t"
                 "pushfq\n\t"
                 "orl $0x100, (%%rsp)\n\t"
                 "popfq\n\t"
                 ".rept 17\n\t nop\n\t .endr\n\t"
                 "pushfq\n\t"
                 "andl $~0x100, (%%rsp)\n\t"
                 "popfq\n\t"
                 "add $128, %%rsp" ::
                     : "memory", "cc");
    return count;
}

static int ticks(void)
{
    struct itimerval every = { .it_interval.tv_usec = 2000, .it_value.tv_usec = 2000 },
                     never = { 0 };
    sigset_t set;
    int number, seen = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    must(!sigprocmask(SIG_BLOCK, &set, NULL));
    must(!setitimer(ITIMER_REAL, &every, NULL));
    while (seen < TICKS) {
        must(!sigwait(&set, &number) && number == SIGALRM);
        seen++;
    }
    must(!setitimer(ITIMER_REAL, &never, NULL));
    return seen;
}

void work_signals(u64 seed)
{
    say("signals %016lx %d %d %d %d %d", ping_pong(seed), faults(), divisions(), breakpoints(),
        single_steps(), ticks());
}
