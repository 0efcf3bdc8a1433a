/*
 * What a guest can do wrong with events: pointers that lead nowhere, commands that do not exist, shared bits full of nonsense, other
 * domains' names. Each is refused, or hurts nobody, and afterwards events work.
 *
 * The pending, mask and selector bits are the guest's to write. Source: event_channel.h; shared_info in xen.h.
 */
#include "event.h"
#include "test.h"

static void check_pointers(u64 where)
{
    static const u32 with_argument[] = { EVTCHNOP_bind_interdomain,
                                         EVTCHNOP_bind_virq,
                                         EVTCHNOP_bind_pirq,
                                         EVTCHNOP_close,
                                         EVTCHNOP_send,
                                         EVTCHNOP_status,
                                         EVTCHNOP_alloc_unbound,
                                         EVTCHNOP_bind_ipi,
                                         EVTCHNOP_bind_vcpu,
                                         EVTCHNOP_unmask,
                                         EVTCHNOP_reset };

    for (size_t i = 0; i < ARRAY_SIZE(with_argument); i++)
        CHECK_RC(event_channel_op(with_argument[i], (void *)where), -XEN_EFAULT);
}

/* The argument can be read, but the answer not be written: an error, and maybe a port that nobody knows of. */
static void check_read_only(void)
{
    static struct {
        struct evtchn_bind_ipi ipi;
        u8 fill[PAGE_SIZE - sizeof(struct evtchn_bind_ipi)];
    } page ALIGNED(PAGE_SIZE);

    SETUP(update_va_mapping((u64)&page, pfn_mfn(va_pfn(&page)) << PAGE_SHIFT | PTE_RO_PAGE,
                            UVMF_TLB_FLUSH) == 0);
    CHECK_RC(event_channel_op(EVTCHNOP_bind_ipi, &page.ipi), -XEN_EFAULT);
}

static void check_scribbled(u32 port)
{
    struct vcpu_info *info = &shared_info->vcpu_info[0];

    memset(shared_info->evtchn_pending, 0xff, sizeof(shared_info->evtchn_pending));
    memset(shared_info->evtchn_mask, 0xff, sizeof(shared_info->evtchn_mask));
    info->evtchn_pending_sel = ~0UL;
    CHECK_RC(event_send(port), 0);
    for (u32 i = 1; i < 64; i++)
        event_unmask(i);
    memset(shared_info->evtchn_mask, 0, sizeof(shared_info->evtchn_mask));
    memset(shared_info->evtchn_pending, 0, sizeof(shared_info->evtchn_pending));
    info->evtchn_pending_sel = 0;
    info->evtchn_upcall_pending = 0;
    CHECK_RC(event_send(port), 0);
    CHECK(event_pending(port) && info->evtchn_upcall_pending);
    CHECK_EQ(info->evtchn_pending_sel, BIT(port / 64));
    info->evtchn_upcall_pending = 0x80; /* any value is "pending" to the hypervisor, or none */
    info->evtchn_pending_sel = 0;
    event_clear(port);
    CHECK_RC(event_send(port), 0);
}

TEST
{
    s64 port = event_bind_ipi(0);

    SETUP(port > 0);
    check_pointers(0);
    check_pointers(0x0000800000000000);
    check_pointers(HYPERVISOR_VIRT_END - PAGE_SIZE);
    check_pointers(~0UL);
    check_read_only();
    CHECK_RC(event_channel_op(99, &port), -XEN_ENOSYS);
    CHECK_RC(event_channel_op(0xffffffff, &port), -XEN_ENOSYS);
    check_scribbled((u32)port);
}
