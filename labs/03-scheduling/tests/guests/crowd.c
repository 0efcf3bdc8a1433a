/*
 * All its vCPUs take the CPU that they get: out[vCPU] is what each got.
 */
#include "mailbox.h"
#include "smp.h"

MAILBOX

static void run(u64 me)
{
    for (;;)
        mailbox.out[me]++;
}

int main(void)
{
    mailbox_open();
    for (u32 id = 1; id < smp_count(); id++)
        if (smp_start(id, run, id))
            guest_panic("vCPU %u", id);
    checkpoint(1);
    run(0);
    return 0;
}
