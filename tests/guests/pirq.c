/*
 * A privileged domain drives a real device by its interrupt: the real-time clock's periodic one, ISA interrupt 8.
 *
 * The line is mapped to a number (map_pirq), the number bound to a port (bind_pirq); each edge raises the port. Mapping and binding have
 * an order: a number without a line is refused with -EPERM, one that is bound with -EEXIST, a line that does not exist with -EINVAL. A port that
 * is closed gets no more. Unprivileged domains get nothing of it. Source: physdev.h, event_channel.h; MC146818 data sheet.
 */
#include "event.h"
#include "rtc.h"
#include "test.h"
#include "time.h"

#define ALONE
#define RTC_IRQ  8
#define NOWHERE  200 /* has QEMU's machine no input for */
#define EVENTS   8
#define ANY_PIRQ (-1)

#define PATIENCE_NS 60000000000UL /* a busy machine */
#define QUIET_NS    50000000UL    /* many periods */

static s64 map_line(s32 index, s32 *pirq)
{
    struct physdev_map_pirq m = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = index, .pirq = *pirq
    };
    s64 rc = physdev_op(PHYSDEVOP_map_pirq, &m);

    *pirq = m.pirq;
    return rc;
}

static s64 unmap_line(s32 pirq)
{
    struct physdev_unmap_pirq u = { .domid = DOMID_SELF, .pirq = pirq };

    return physdev_op(PHYSDEVOP_unmap_pirq, &u);
}

static s64 bind(u32 pirq)
{
    struct evtchn_bind_pirq b = { .pirq = pirq };
    s64 rc = event_channel_op(EVTCHNOP_bind_pirq, &b);

    return rc ? rc : b.port;
}

static void unprivileged(void)
{
    s32 pirq = RTC_IRQ;

    CHECK_RC(map_line(RTC_IRQ, &pirq), -XEN_EPERM);
    CHECK_REFUSED(unmap_line(RTC_IRQ));
    CHECK_RC(bind(RTC_IRQ), -XEN_EPERM);
    CHECK_RC(bind(~0U), -XEN_EINVAL);
}

/* How many interrupts are seen in that time, up to as many as wanted; each must be answered before the next can come. */
static u32 interrupts_in(u32 port, u32 wanted, u64 wait)
{
    u32 seen = 0;
    u64 until = system_time() + wait;

    while (seen < wanted && system_time() < until) {
        if (!event_clear(port)) {
            yield();
            continue;
        }
        seen += (rtc_read(RTC_C) & RTC_C_PERIODIC) !=
                0; /* else it is one that was answered before it was seen */
    }
    return seen;
}

static u32 interrupts(u32 port, u32 wanted)
{
    return interrupts_in(port, wanted, PATIENCE_NS);
}

TEST
{
    struct evtchn_status status;
    struct physdev_eoi eoi = { .irq = RTC_IRQ };
    s32 pirq = RTC_IRQ;

    if (!guest_is_privileged()) {
        unprivileged();
        return;
    }
    CHECK_RC(bind(RTC_IRQ), -XEN_EPERM); /* not mapped */
    CHECK_RC(bind(0), -XEN_EPERM);       /* nobody's */
    CHECK_RC(bind(~0U), -XEN_EINVAL);
    CHECK_RC(unmap_line(RTC_IRQ), -XEN_EINVAL);
    CHECK_RC(map_line(0, &pirq), -XEN_EPERM);
    pirq = ANY_PIRQ;
    CHECK_RC(map_line(NOWHERE, &pirq), -XEN_EINVAL);
    CHECK_RC(map_line(-1, &pirq), -XEN_EINVAL);

    pirq = RTC_IRQ;
    CHECK_RC(map_line(RTC_IRQ, &pirq), 0);
    CHECK_EQ(pirq, RTC_IRQ);
    CHECK_RC(map_line(RTC_IRQ, &pirq), 0); /* as it is */
    pirq = RTC_IRQ + 1;
    CHECK_RC(map_line(RTC_IRQ, &pirq), -XEN_EEXIST);
    s64 port = bind(RTC_IRQ);
    CHECK(port > 0);
    CHECK_RC(bind(RTC_IRQ), -XEN_EEXIST);
    CHECK_RC(event_status((u32)port, &status), 0);
    CHECK_EQ(status.status, EVTCHNSTAT_pirq);
    CHECK_EQ(status.u.pirq, RTC_IRQ);
    CHECK_RC(event_send((u32)port), -XEN_EINVAL);

    rtc_init();
    event_clear((u32)port);
    rtc_periodic(true);
    CHECK_EQ(interrupts((u32)port, EVENTS), EVENTS);
    CHECK_RC(physdev_op(PHYSDEVOP_eoi, &eoi), 0); /* not needed, no harm */
    CHECK_EQ(interrupts((u32)port, EVENTS), EVENTS);

    CHECK_RC(event_close((u32)port), 0);
    rtc_read(RTC_C);
    CHECK_EQ(interrupts_in((u32)port, 1, QUIET_NS), 0);
    CHECK_RC(bind(RTC_IRQ), port);
    rtc_read(RTC_C);
    CHECK_EQ(interrupts((u32)port, EVENTS), EVENTS);
    rtc_periodic(false);
    CHECK_RC(event_close((u32)port), 0);
    CHECK_RC(unmap_line(RTC_IRQ), 0);
    CHECK_RC(bind(RTC_IRQ), -XEN_EPERM);
}
