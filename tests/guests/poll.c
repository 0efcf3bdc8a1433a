/*
 * SCHEDOP_poll: with a time-out it returns 0 when the time has come, not before; without ports it is a plain sleep; a time that has passed
 * returns at once; a port that is pending returns at once, masked or not. More than 128 ports, a port that can't be and bad pointers are
 * refused. Source: sched.h.
 */
#include "test.h"
#include "time.h"
#include "abi/event_channel.h"

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

    poll.nr_ports = 129;
    CHECK_RC(sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    poll.nr_ports = 1;
    ports[0] = EVTCHN_2L_NR_CHANNELS;
    CHECK_RC(sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    poll.ports = HYPERVISOR_VIRT_START;
    CHECK_RC(sched_op(SCHEDOP_poll, &poll), -XEN_EFAULT);
    CHECK_RC(sched_op(SCHEDOP_poll, NULL), -XEN_EFAULT);
}
