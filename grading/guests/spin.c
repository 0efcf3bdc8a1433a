/*
 * Takes all the CPU that it gets, and never gives any away: `progress` is what it got.
 */
#include "mailbox.h"

MAILBOX

int main(void)
{
    mailbox_open();
    checkpoint(1);
    for (;;)
        mailbox.progress++;
}
