/*
 * Two vCPUs that wake each other, again and again, and sleep in between: by block, or by polling a port that is masked, by chance. in[1]: so many
 * rounds, then the domain ends, while its other vCPU sleeps, waits or runs. `progress` counts rounds.
 */
#include "event.h"
#include "mailbox.h"
#include "smp.h"

MAILBOX

static u32 ports[2];
static volatile u64 hits[2]; /* by block: the upcall counts */

static void on_event(u32 port)
{
    hits[port == ports[1]]++;
}

static u64 random_of(u64 *state)
{
    *state = *state * 6364136223846793005UL + 1442695040888963407UL;
    return *state >> 33;
}

static void wait(u32 me, bool by_poll)
{
    evtchn_port_t port = ports[me];
    struct sched_poll poll = { .ports = (u64)&port, .nr_ports = 1 };

    smp_info()->evtchn_upcall_mask = 1;
    if (by_poll) {
        while (!event_clear(port))
            sched_op(SCHEDOP_poll, &poll);
        return;
    }
    u64 before = hits[me];
    event_clear_bit(shared_info->evtchn_mask, port);
    if (event_pending(port)) { /* it came while the port was masked */
        event_mask(port);
        event_clear(port);
        return;
    }
    while (hits[me] == before) {
        sched_op(SCHEDOP_block, NULL);
        smp_info()->evtchn_upcall_mask = 1;
    }
    event_mask(port);
}

static void play(u64 me)
{
    u64 state = seed + me;

    for (;;) {
        if (me == 0)
            event_send(ports[1]);
        wait((u32)me, random_of(&state) & 1);
        for (u64 i = random_of(&state) % 2000; i; i--)
            asm volatile("");
        if (me == 1)
            event_send(ports[0]);
        else if (mailbox.in[1] && ++mailbox.progress >= mailbox.in[1])
            guest_shutdown(SHUTDOWN_poweroff);
        else if (!mailbox.in[1])
            mailbox.progress++;
    }
}

int main(void)
{
    mailbox_open();
    events_init();
    for (u32 i = 0; i < 2; i++) {
        s64 port = event_bind_ipi(i);
        if (port <= 0)
            guest_panic("ports");
        ports[i] = (u32)port;
        event_handle(ports[i], on_event);
        event_mask(ports[i]);
    }
    if (smp_start(1, play, 1))
        guest_panic("vCPU 1");
    checkpoint(1);
    play(0);
    return 0;
}
