/*
 * event_channel_op_compat, hypercall 16, as NetBSD of old makes it: one pointer to {command, arguments}; results are written into the
 * same place. It knows the operations up to unmask.
 *
 * Source: struct evtchn_op in event_channel.h.
 */
#include "event.h"
#include "test.h"

static s64 call(struct evtchn_op *op, u32 cmd)
{
    op->cmd = cmd;
    return hypercall(__HYPERVISOR_event_channel_op_compat, (u64)op, 0, 0, 0, 0);
}

TEST
{
    struct evtchn_op op = { .u.bind_ipi = { .vcpu = 0 } };

    CHECK_RC(call(&op, EVTCHNOP_bind_ipi), 0);
    u32 ipi = op.u.bind_ipi.port;
    CHECK(ipi > 0 && ipi < EVENT_PORTS);

    op.u.send.port = ipi;
    CHECK_RC(call(&op, EVTCHNOP_send), 0);
    CHECK(event_pending(ipi));

    op.u.status = (struct evtchn_status){ .dom = DOMID_SELF, .port = ipi, .status = 99 };
    CHECK_RC(call(&op, EVTCHNOP_status), 0);
    CHECK_EQ(op.u.status.status, EVTCHNSTAT_ipi);

    op.u.alloc_unbound = (struct evtchn_alloc_unbound){ DOMID_SELF, DOMID_SELF, 0 };
    CHECK_RC(call(&op, EVTCHNOP_alloc_unbound), 0);
    u32 a = op.u.alloc_unbound.port;
    op.u.bind_interdomain = (struct evtchn_bind_interdomain){ DOMID_SELF, a, 0 };
    CHECK_RC(call(&op, EVTCHNOP_bind_interdomain), 0);
    u32 b = op.u.bind_interdomain.local_port;
    CHECK(a != b && b > 0 && event_pending(b));
    op.u.bind_vcpu = (struct evtchn_bind_vcpu){ a, 0 };
    CHECK_RC(call(&op, EVTCHNOP_bind_vcpu), 0);

    op.u.bind_virq = (struct evtchn_bind_virq){ .virq = VIRQ_TIMER };
    CHECK_RC(call(&op, EVTCHNOP_bind_virq), 0);
    u32 timer = op.u.bind_virq.port;
    op.u.bind_virq = (struct evtchn_bind_virq){ .virq = VIRQ_TIMER };
    CHECK_RC(call(&op, EVTCHNOP_bind_virq), -XEN_EEXIST);
    op.u.unmask.port = timer;
    CHECK_RC(call(&op, EVTCHNOP_unmask), 0);
    op.u.close.port = timer;
    CHECK_RC(call(&op, EVTCHNOP_close), 0);
    CHECK_RC(call(&op, EVTCHNOP_close), -XEN_EINVAL);

    CHECK_RC(call(&op, EVTCHNOP_reset), -XEN_ENOSYS); /* came later than this call */
    CHECK_RC(call(&op, 99), -XEN_ENOSYS);
    CHECK_RC(hypercall(__HYPERVISOR_event_channel_op_compat, 0, 0, 0, 0, 0), -XEN_EFAULT);
    CHECK_RC(hypercall(__HYPERVISOR_event_channel_op_compat, HYPERVISOR_VIRT_END - PAGE_SIZE, 0, 0,
                       0, 0),
             -XEN_EFAULT);
}
