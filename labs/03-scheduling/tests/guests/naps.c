/*
 * Sleeps in each way that there is, for random times, many of them so short that the wake-up comes while it still falls asleep. `progress` counts naps.
 *
 * out[0]: naps that ended before their time; out[1]: the longest that one ended too late, in ns; out[2]: times that block came back without the
 * upcall that was pending; out[3]: which way it sleeps just now. Where an event is pending already, nobody will wake it later.
 */
#include "event.h"
#include "mailbox.h"
#include "time.h"

MAILBOX

static volatile u64 fired;

static void on_event(u32 port)
{
    (void)port;
    fired++;
}

static void ended(u64 due)
{
    u64 now = system_time();

    if (now < due)
        mailbox.out[0]++;
    else if (now - due > mailbox.out[1])
        mailbox.out[1] = now - due;
}

/* The timer's event wakes it from block. */
static void block(u64 due)
{
    u64 before = fired;

    events_off();
    hypercall(__HYPERVISOR_set_timer_op, due, 0, 0, 0, 0);
    while (fired == before) {
        sched_op(SCHEDOP_block, NULL);
        events_off();
    }
    ended(due);
}

static void poll_time(u64 due)
{
    struct sched_poll poll = { .timeout = due };

    events_off();
    sched_op(SCHEDOP_poll, &poll);
    ended(due);
}

/* What is pending already, though masked, is found at once. */
static void poll_pending(u32 port)
{
    evtchn_port_t ports[2] = { port, port };
    struct sched_poll poll = { .ports = (u64)ports, .nr_ports = next_random() & 1 ? 1 : 2 };

    events_off();
    event_mask(port);
    event_send(port);
    sched_op(SCHEDOP_poll, &poll);
    event_clear(port);
}

static void block_pending(u32 port)
{
    u64 before = fired;

    events_off();
    event_clear_bit(shared_info->evtchn_mask, port);
    event_send(port);
    sched_op(SCHEDOP_block, NULL);
    if (fired != before + 1)
        mailbox.out[2]++;
}

int main(void)
{
    mailbox_open();
    events_init();
    s64 timer = event_bind_virq(VIRQ_TIMER, 0), own = event_bind_ipi(0);
    if (timer <= 0 || own <= 0)
        guest_panic("ports");
    event_handle((u32)timer, on_event);
    event_handle((u32)own, on_event);
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    checkpoint(1);
    for (;;) {
        u64 word = next_random(), range = word & 4 ? 30000 : 2000000;
        u64 due = system_time() + (word >> 8) % range;

        mailbox.out[3] = word & 3;
        if ((word & 3) == 0)
            block(due);
        else if ((word & 3) == 1)
            poll_time(due);
        else if ((word & 3) == 2)
            poll_pending((u32)own);
        else
            block_pending((u32)own);
        mailbox.progress++;
    }
}
