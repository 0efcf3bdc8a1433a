/*
 * A storm of events, and who pays for it. Three roles, by the command line:
 *
 *     role=b peer=ID        sends to the domain ID as fast as it can
 *     role=a peer=ID        gets those events: each wakes it, or interrupts it
 *     role=work             computes, and says at the end what part of the time it had the CPU, in thousandths
 *
 * All three end after `tenths=N` tenths of a second of system time. (a and b are the sides of a pair, see lib/pair.h.)
 */
#include "pair.h"
#include "time.h"
#include "trap.h"

#define NS_PER_TENTH 100000000UL

static u64 running_ns(void)
{
    struct vcpu_runstate_info info;

    vcpu_op(VCPUOP_get_runstate_info, 0, &info);
    return info.time[RUNSTATE_running];
}

static void receive(u64 end)
{
    u32 port = pair_connect();
    u64 n = 0;

    events_init();
    events_on();
    while (system_time() < end) {
        struct sched_poll poll = { .ports = (u64)&port, .nr_ports = 1, .timeout = end };

        sched_op(SCHEDOP_poll, &poll);
        n++;
    }
    print("woken %lu times, %lu events\n", n, event_count(port));
}

static void send(u64 end)
{
    u32 port = pair_connect();
    u64 n = 0;

    while (system_time() < end)
        for (int i = 0; i < 1000; i++, n++)
            event_send(port);
    print("sent %lu\n", n);
}

static void work(u64 start, u64 end)
{
    u64 before = running_ns();

    spin_until(end);
    print("share %lu\n", (running_ns() - before) * 1000 / (end - start));
}

int main(void)
{
    char text[8];
    u64 start = system_time(), end = start + 10 * NS_PER_TENTH;

    if (cmdline_value("tenths", text, sizeof(text)))
        end = start + (u64)(text[0] - '0') * NS_PER_TENTH;
    if (cmdline_value("role", text, sizeof(text)) && text[0] == 'w')
        work(start, end);
    else if (pair_is_a())
        receive(end);
    else
        send(end);
    return 0;
}
