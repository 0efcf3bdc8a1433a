/*
 * Gives the CPU away, again and again (word `yields`), or keeps it as long as it can. out[n % 64]: when its turn n began, in ticks of the TSC; `progress`
 * is the number of turns. It knows that a turn has begun when time has passed that it didn't have. Checkpoint 1 comes once in each.
 */
#include "mailbox.h"
#include "time.h"

MAILBOX

#define AWAY 20000 /* ticks */

int main(void)
{
    bool yields = cmdline_has("yields");
    u64 last = rdtsc();

    mailbox_open();
    for (;;) {
        u64 now = rdtsc();
        if (yields || now - last > AWAY) {
            mailbox.out[mailbox.progress % MAILBOX_WORDS] = now;
            mailbox.progress++;
            checkpoint(1);
        }
        if (yields)
            yield();
        last = now;
    }
}
