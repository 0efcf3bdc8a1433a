/*
 * Works and sleeps, again and again; `progress` counts the rounds. out[0]: the longest that a sleep ended too late, in ns; out[1]: the sum of these; out[2]:
 * steps of work. Checkpoint 1 comes after each sleep, 2 after each work.
 * Words of the command line, in hexadecimal: work=, in steps of about 6 instructions; sleep=, the longest of random times in ns, the shortest is half of it.
 */
#include "mailbox.h"
#include "time.h"

MAILBOX

int main(void)
{
    mailbox_open();
    u64 work = hex_word("work"), longest = hex_word("sleep");

    checkpoint(1);
    for (;;) {
        u64 due = system_time() + longest / 2 + next_random() % (longest / 2);

        sleep_until(due);
        u64 late = system_time() - due;
        if (late > mailbox.out[0])
            mailbox.out[0] = late;
        mailbox.out[1] += late;
        mailbox.progress++;
        checkpoint(1);
        for (u64 i = 0; i < work; i++)
            mailbox.out[2]++;
        checkpoint(2);
    }
}
