/*
 * NMIs of a guest: VCPUOP_send_nmi brings one to a vCPU, at the entry that nmi_op or callback_op has registered, or its trap table has for
 * vector 2. It comes whether events are masked or not, masks them, and none comes in it before its iret. Source: nmi.h, vcpu.h.
 */
#include "abi/callback.h"
#include "test.h"

static u32 nested, deepest, count;
static bool send_again;

static bool handle(struct trap_frame *frame)
{
    (void)frame;
    nested++;
    deepest = nested > deepest ? nested : deepest;
    count++;
    CHECK_EQ(shared_info->vcpu_info[0].evtchn_upcall_mask, 1);
    if (send_again) {
        send_again = false;
        CHECK_RC(vcpu_op(VCPUOP_send_nmi, 0, NULL), 0);
        for (u32 i = 0; i < 10; i++)
            yield(); /* not here */
    }
    nested--;
    return true;
}

static s64 nmi_op(u64 cmd, void *arg)
{
    return hypercall(__HYPERVISOR_nmi_op, cmd, (u64)arg, 0, 0, 0);
}

static void sent(u32 wanted)
{
    count = 0;
    CHECK_RC(vcpu_op(VCPUOP_send_nmi, 0, NULL), 0);
    for (u32 i = 0; i < 100 && count < wanted; i++)
        yield();
    CHECK_EQ(count, wanted);
}

TEST
{
    struct xennmi_callback callback = { .handler_address = trap_table_entries[2] };
    struct callback_register both = { .type = CALLBACKTYPE_nmi, .address = trap_table_entries[2] };
    struct callback_unregister gone = { .type = CALLBACKTYPE_nmi };

    CHECK_RC(vcpu_op(VCPUOP_send_nmi, 0, &callback), -XEN_EINVAL); /* has no argument */
    CHECK_RC(vcpu_op(VCPUOP_send_nmi, 1, NULL), -XEN_ENOENT);
    CHECK_RC(nmi_op(99, NULL), -XEN_ENOSYS);
    CHECK_RC(nmi_op(XENNMI_register_callback, NULL), -XEN_EFAULT);
    trap_handle(2, handle);

    CHECK_RC(nmi_op(XENNMI_register_callback, &callback), 0);
    if (cmdline_has("hardware")) { /* tests/system: the machine has had one */
        CHECK_EQ(count, 1);
        CHECK(shared_info->arch.nmi_reason & XEN_NMIREASON_unknown);
        shared_info->arch.nmi_reason = 0;
    }
    sent(1);
    CHECK_EQ(shared_info->vcpu_info[0].evtchn_upcall_mask, 1); /* as before */
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    sent(1);
    CHECK_EQ(shared_info->vcpu_info[0].evtchn_upcall_mask, 0);
    send_again = true;
    sent(2);
    CHECK_EQ(deepest, 1);
    CHECK_RC(nmi_op(XENNMI_unregister_callback, NULL), 0);

    CHECK_RC(callback_op(CALLBACKOP_register, &both), 0);
    sent(1);
    CHECK_RC(callback_op(CALLBACKOP_unregister, &gone), 0);
    callback.handler_address = 1UL << 63;
    CHECK_RC(nmi_op(XENNMI_register_callback, &callback), -XEN_EINVAL);
}
