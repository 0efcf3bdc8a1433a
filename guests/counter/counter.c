/*
 * Counts, and gives the CPU away after each number. Started twice, the two take turns: no guest notices that it is not alone.
 *
 * Command line: to=N (default 5), work=N million turns of an empty loop between two numbers (default 1).
 */
#include "guest.h"

static u64 number_of(const char *key, u64 otherwise)
{
    char text[16];
    u64 value = 0;

    if (!cmdline_value(key, text, sizeof(text)))
        return otherwise;
    for (const char *p = text; *p >= '0' && *p <= '9'; p++)
        value = value * 10 + (u64)(*p - '0');
    return value;
}

int main(void)
{
    u64 to = number_of("to", 5), work = number_of("work", 1) * 1000000;

    for (u64 i = 1; i <= to; i++) {
        print("%lu of %lu\n", i, to);
        for (volatile u64 turn = 0; turn < work; turn++)
            continue;
        yield();
    }
    return 0;
}
