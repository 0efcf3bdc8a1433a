/*
 * Events: the guest sends to itself, so the rows are the same on Xen, where there is no second domain. A channel with two ends in this
 * domain takes the way of one between two domains.
 */
#include "bench.h"
#include "event.h"

static struct evtchn_send send_ipi, send_end, send_pending;
static u64 *word; /* of the pending bits: holds all three ports */
static struct vcpu_info *info;

void events_prepare(void)
{
    events_off(); /* the rows with system calls have left them on */
    s64 ipi = event_bind_ipi(0), end = event_alloc_unbound(DOMID_SELF);
    MUST(ipi > 0 && end > 0);
    s64 other = event_bind_interdomain(DOMID_SELF, (u32)end), busy = event_bind_ipi(0);
    MUST(other > 0 && busy > 0 && busy < 64);

    send_ipi.port = (u32)ipi;
    send_end.port = (u32)end;
    send_pending.port = (u32)busy;
    word = &shared_info->evtchn_pending[0];
    info = &shared_info->vcpu_info[0];
    MUST(event_send(send_pending.port) == 0 && event_pending(send_pending.port));
}

/* Nobody has looked since the last one. */
SHARED_BATCH(event_send_pending,
             call2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&send_pending))

/* As if the guest had looked: pending bit, selector and flag are clear; the upcall is masked, so the guest sees to it itself. */
#define LOOKED()                                                                                   \
    do {                                                                                           \
        *(volatile u64 *)word = 0;                                                                 \
        *(volatile u64 *)&info->evtchn_pending_sel = 0;                                            \
        *(volatile u8 *)&info->evtchn_upcall_pending = 0;                                          \
    } while (0)

SHARED_BATCH(event_send_ipi, LOOKED();
             call2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&send_ipi))

SHARED_BATCH(event_send_channel, LOOKED();
             call2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&send_end))

/* Sent, and handled by the upcall before the call is back. */
static volatile u64 events_seen;

void bench_event(void);
void bench_event(void)
{
    LOOKED();
    events_seen++;
}

void events_upcall_prepare(void)
{
    LOOKED();
    MUST(set_callbacks((u64)bench_event_entry, (u64)failsafe_entry, (u64)syscall_entry) == 0);
}

u64 event_upcall(u64 rounds)
{
    u64 start = rdtsc();

    info->evtchn_upcall_mask = 0;
    do {
        call2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&send_ipi);
    } while (--rounds);
    info->evtchn_upcall_mask = 1;
    MUST(!event_pending(send_ipi.port));
    return rdtsc() - start;
}

/* Set for a time that is over, so that no waiting is in the figure; the timer's interrupt, its event and the upcall are. */
void timer_prepare(void)
{
    s64 port = event_bind_virq(VIRQ_TIMER, 0);

    MUST(port > 0 && port < 64);
    LOOKED();
}

u64 timer_upcall(u64 rounds)
{
    u64 start = rdtsc();

    info->evtchn_upcall_mask = 0;
    do {
        u64 seen = events_seen;

        call2(__HYPERVISOR_set_timer_op, 1, 0);
        while (events_seen == seen)
            ;
    } while (--rounds);
    info->evtchn_upcall_mask = 1;
    return rdtsc() - start;
}
