/*
 * Keeps the CPU busy between two points of system time and says how much of it this domain got. Made for tests of the shares that domains get of the
 * CPUs, and to be a noisy neighbour.
 *
 *     from=MS until=MS     spin between these times, in milliseconds since the hypervisor's start (default 2000 and 12000)
 *     rest=US work=US      sleep for so long after each stretch of work, in microseconds of system time (default: never)
 *     put=DOMID weight=N cap=N   before all that, give that domain these parameters of the scheduler (for a privileged domain; left out: as they are)
 */
#include "domctl.h"
#include "guest.h"
#include "time.h"

static struct vcpu_runstate_info runstate(void)
{
    struct vcpu_runstate_info info;

    if (vcpu_op(VCPUOP_get_runstate_info, 0, &info))
        guest_panic("VCPUOP_get_runstate_info");
    return info;
}

static void put_parameters(u16 domid)
{
    struct xen_sysctl which = { .cmd = XEN_SYSCTL_sched_id };
    struct xen_domctl op = { .cmd = XEN_DOMCTL_scheduler_op, .domain = domid };

    if (sysctl(&which))
        guest_panic("XEN_SYSCTL_sched_id");
    op.u.scheduler_op.sched_id = which.u.sched_id.sched_id;
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    op.u.scheduler_op.u.credit.weight = (u16)cmdline_number("weight", 0);
    op.u.scheduler_op.u.credit.cap = (u16)cmdline_number("cap", 0xffff);
    if (domctl(&op))
        guest_panic("XEN_DOMCTL_scheduler_op");
}

int main(void)
{
    u64 from = cmdline_number("from", 2000) * 1000000,
        until = cmdline_number("until", 12000) * 1000000;
    u64 rest = cmdline_number("rest", 0) * 1000, work = cmdline_number("work", 1000) * 1000;
    u64 latest = 0;

    u64 other = cmdline_number("put", DOMID_SELF);
    if (other != DOMID_SELF)
        put_parameters((u16)other);
    sleep_until(from);
    struct vcpu_runstate_info before = runstate();
    u64 start = system_time();
    while (system_time() < until) {
        spin_until(rest ? min(system_time() + work, until) : until);
        if (rest && system_time() < until) {
            u64 end = system_time() + rest;
            sleep_until(end);
            latest = max(latest, system_time() - end);
        }
    }
    struct vcpu_runstate_info after = runstate();
    print("ran %lu us of %lu us, woke at most %lu us late\n",
          (after.time[RUNSTATE_running] - before.time[RUNSTATE_running]) / 1000,
          (system_time() - start) / 1000, latest / 1000);
    return 0;
}
