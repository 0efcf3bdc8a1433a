/*
 * Waiting. Upcalls stay masked for good: SCHEDOP_poll says when one of our ports has an event, and its bit is cleared here.
 */
#include "builder.h"
#include "domctl.h"

#define POLL_NS 10000000UL

static u32 ports[ARCHIVE_DOMAINS + 1]; /* the first is VIRQ_DOM_EXC's */

/* System time, ns (abi/xen.h, struct vcpu_time_info). */
static u64 now(void)
{
    const volatile struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
    u32 version, low, high;
    u64 ns;

    do {
        version = t->version & ~1U;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
        u64 delta = ((u64)high << 32 | low) - t->tsc_timestamp;
        delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
        ns = t->system_time + (u64)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
    } while (t->version != version);
    return ns;
}

void events_init(void)
{
    struct evtchn_bind_virq bind = { .virq = VIRQ_DOM_EXC };
    s64 rc = hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (u64)&bind, 0, 0, 0);

    if (rc)
        print("builder: no word of domains' ends: bind_virq answers %ld\n", (long)rc);
    ports[0] = rc ? 0 : bind.port;
}

static void clear(u32 port)
{
    __atomic_fetch_and(&shared_info->evtchn_pending[port / 64], ~BIT(port % 64), __ATOMIC_SEQ_CST);
}

void events_wait(void)
{
    struct sched_poll poll = { .ports = (u64)ports, .timeout = now() + POLL_NS };

    poll.nr_ports = ports[0] ? 1 : 0;
    for (u64 i = 0; i < nr_wards; i++)
        if (wards[i].port)
            ports[poll.nr_ports++] = wards[i].port;
    if (sched_op(SCHEDOP_poll, &poll))
        yield();
    for (u32 i = 0; i < poll.nr_ports; i++)
        clear(ports[i]);
}
