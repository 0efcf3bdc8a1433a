/*
 * Events of a vCPU whose vcpu_info the guest has put elsewhere: the flags are set there, and no longer in shared_info.
 *
 * At the move everything becomes pending once, so that no event is lost on the way. Source: VCPUOP_register_vcpu_info in vcpu.h.
 */
#include "event.h"
#include "test.h"

static struct {
    u64 before;
    struct vcpu_info info;
    u8 fill[PAGE_SIZE - sizeof(struct vcpu_info) - 8];
} page ALIGNED(PAGE_SIZE);

static struct vcpu_info *placed(void)
{
    return &page.info;
}

TEST
{
    struct vcpu_register_vcpu_info place = { .mfn = pfn_mfn(va_pfn(&page)), .offset = 8 };
    s64 made = event_bind_ipi(0);

    SETUP(made > 0);
    u32 port = (u32)made;
    CHECK_RC(event_send(port), 0);
    shared_info->vcpu_info[0].evtchn_upcall_pending = 0; /* as if it had been lost */
    shared_info->vcpu_info[0].evtchn_pending_sel = 0;
    CHECK_RC(vcpu_op(VCPUOP_register_vcpu_info, 0, &place), 0);
    CHECK_EQ(page.info.evtchn_upcall_pending, 1);
    CHECK_EQ(page.info.evtchn_pending_sel, ~0UL);
    CHECK_EQ(page.info.evtchn_upcall_mask, 1);
    CHECK_EQ(page.before, 0);

    events_info = placed;
    events_init();
    events_on();
    CHECK_EQ(event_count(port), 1);
    for (u64 i = 2; i < 20; i++) {
        CHECK_RC(event_send(port), 0);
        CHECK_EQ(event_count(port), i);
    }
    events_off();
    memset(&shared_info->vcpu_info[0], 0, sizeof(struct vcpu_info));
    CHECK_RC(event_send(port), 0);
    CHECK_EQ(page.info.evtchn_upcall_pending, 1);
    CHECK_EQ(page.info.evtchn_pending_sel, BIT(port / 64));
    CHECK_EQ(shared_info->vcpu_info[0].evtchn_upcall_pending, 0);
    CHECK_EQ(shared_info->vcpu_info[0].evtchn_pending_sel, 0);
}
