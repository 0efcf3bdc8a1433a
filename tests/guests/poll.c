/*
 * SCHEDOP_poll: with a time-out it returns 0 when the time has come, not before; without ports it is a plain sleep; a time that has passed
 * returns at once; a port that is pending returns at once, masked or not. More than 128 ports, a port that can't be and bad pointers are
 * refused. Source: sched.h.
 */
#include "event.h"
#include "test.h"
#include "time.h"

#define NEVER (system_time() + 1000000000000UL) /* if a poll sleeps until then, the test hangs */

/* The port's event stands, and the poll comes back at once; it stands afterwards, too, for a poll takes nothing. */
static void check_pending(struct sched_poll *poll, u32 port)
{
    poll->timeout = NEVER;
    CHECK_RC(sched_op(SCHEDOP_poll, poll), 0);
    CHECK(system_time() < poll->timeout);
    poll->timeout = 0; /* without end */
    CHECK_RC(sched_op(SCHEDOP_poll, poll), 0);
    CHECK(event_pending(port));
}

/* Two ports, of which the second has an event: masked; not masked, with upcalls off; and masked again, when the vCPU's own flag still says that there is something. */
static void check_ports(void)
{
    s64 quiet = event_bind_ipi(0), loud = event_bind_ipi(0);
    SETUP(quiet > 0 && loud > 0);
    evtchn_port_t ports[2] = { (u32)quiet, (u32)loud };
    struct sched_poll poll = { .ports = (u64)ports, .nr_ports = 2 };

    event_mask((u32)quiet);
    event_mask((u32)loud);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    CHECK_RC(event_send((u32)loud), 0);
    CHECK_EQ(shared_info->vcpu_info[0].evtchn_upcall_pending, 0); /* as it is masked */
    check_pending(&poll, (u32)loud);
    CHECK_RC(event_unmask((u32)loud), 0);
    CHECK_EQ(shared_info->vcpu_info[0].evtchn_upcall_pending, 1);
    check_pending(&poll, (u32)loud);
    event_mask((u32)loud);
    check_pending(&poll, (u32)loud);

    /* Without its event, and with nothing else for this vCPU, the same poll sleeps. */
    event_clear((u32)loud);
    shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
    u64 end = system_time() + 1000000;
    poll.timeout = end;
    CHECK_RC(sched_op(SCHEDOP_poll, &poll), 0);
    CHECK(system_time() >= end);
    CHECK(!event_pending((u32)loud));
    CHECK_RC(event_close((u32)quiet), 0);
    CHECK_RC(event_close((u32)loud), 0);
}

TEST
{
    static evtchn_port_t ports[129];
    struct sched_poll poll = { .ports = (u64)ports };

    shared_info->evtchn_mask[0] = ~0UL;
    for (int i = 0; i < 20; i++) {
        u64 end = system_time() + 1000000;
        poll.timeout = end;
        CHECK_RC(sched_op(SCHEDOP_poll, &poll), 0);
        CHECK(system_time() >= end);
    }
    poll.timeout = 1; /* long ago */
    CHECK_RC(sched_op(SCHEDOP_poll, &poll), 0);
    check_ports();

    poll.nr_ports = 129;
    CHECK_RC(sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    poll.nr_ports = 1;
    ports[0] = EVTCHN_2L_NR_CHANNELS;
    CHECK_RC(sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    poll.ports = HYPERVISOR_VIRT_START;
    CHECK_RC(sched_op(SCHEDOP_poll, &poll), -XEN_EFAULT);
    CHECK_RC(sched_op(SCHEDOP_poll, NULL), -XEN_EFAULT);
}
