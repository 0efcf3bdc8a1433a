/*
 * Sleeps for random times and wakes up, again and again. Checkpoint 1: about to sleep for out[0] ns; checkpoint 2: awake.
 */
#include "mailbox.h"
#include "time.h"

MAILBOX

#define SHORTEST 200000UL /* ns */
#define LONGEST  8000000UL

int main(void)
{
    mailbox_open();
    for (;;) {
        mailbox.out[0] = SHORTEST + next_random() % (LONGEST - SHORTEST);
        checkpoint(1);
        sleep_until(system_time() + mailbox.out[0]);
        mailbox.progress++;
        checkpoint(2);
    }
}
