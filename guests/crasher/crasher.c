/*
 * Crashes on purpose, to show that the machine goes on without it.
 *
 * It gives up its exception handlers and then writes through a bad pointer, three calls deep. With nobody to hand the page fault
 * to, the hypervisor ends the domain and prints where it was; the functions are there to be found in that backtrace.
 */
#include "guest.h"

static NOINLINE void write_through(volatile u64 *bad)
{
    *bad = 42;
}

static NOINLINE void lose_the_way(u64 address)
{
    write_through((volatile u64 *)address);
    print("that write should not have worked\n");
}

static NOINLINE void walk_in_the_dark(void)
{
    set_trap_table(NULL);
    lose_the_way(0xdead0000);
    print("nobody comes here\n");
}

int main(void)
{
    print("I am going to crash. Nobody else should mind.\n");
    walk_in_the_dark();
    return 1;
}
