/*
 * Counts, and gives the CPU away after each number. Started twice, the two take turns: no guest notices that it is not alone.
 *
 * Command line: to=N (default 5), work=N million turns of an empty loop between two numbers (default 1).
 */
#include "guest.h"

int main(void)
{
    u64 to = cmdline_number("to", 5), work = cmdline_number("work", 1) * 1000000;

    for (u64 i = 1; i <= to; i++) {
        print("%lu of %lu\n", i, to);
        for (volatile u64 turn = 0; turn < work; turn++)
            continue;
        yield();
    }
    return 0;
}
