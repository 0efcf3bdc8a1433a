/*
 * A level-triggered interrupt, wired up as older dom0 kernels do it: alloc_irq_vector, then the I/O APIC's entry (apic_write). The real-time clock
 * keeps its line up until register C is read.
 *
 * From its interrupt on a level is quiet until the guest ends it (PHYSDEVOP_eoi), though the device still asks; ended with the line still up
 * it comes again. The page of pirq_eoi_gmfn says that it wants its end; of version 1, the end unmasks the port. Source: physdev.h.
 */
#include "event.h"
#include "rtc.h"
#include "test.h"
#include "time.h"

#define ALONE
#define RTC_IRQ 8
#define IO_APIC                                                                                    \
    0xfec00000 /* QEMU's only one, with the ISA interrupts at the inputs of their numbers but for 0 */
#define ENTRY       (0x10 + 2 * RTC_IRQ)
#define ENTRY_LEVEL 0x8000
#define VERSION     1

#define PATIENCE_NS 60000000000UL
#define QUIET_NS    30000000UL

static u32 port;

static s64 apic(u64 cmd, u64 base, u32 reg, u32 *value)
{
    struct physdev_apic a = { .apic_physbase = base, .reg = reg, .value = *value };
    s64 rc = physdev_op(cmd, &a);

    *value = a.value;
    return rc;
}

static bool comes(u64 wait)
{
    u64 until = system_time() + wait;

    while (!event_pending(port) && system_time() < until)
        yield();
    return event_clear(port);
}

/*
 * How often it comes without having been ended. Xen loses patience after a millisecond and ends it itself; Koan waits for the guest.
 */
static void check_quiet(void)
{
    u32 count = 0, most = on_koan() ? 0 : QUIET_NS / 1000000;
    u64 until = system_time() + QUIET_NS;

    while (system_time() < until) {
        count += event_clear(port);
        yield();
    }
    CHECK(count <= most);
}

static void end(void)
{
    struct physdev_eoi eoi = { .irq = RTC_IRQ };

    CHECK_RC(physdev_op(PHYSDEVOP_eoi, &eoi), 0);
}

static void wire(void)
{
    struct physdev_irq irq = { .irq = RTC_IRQ };
    struct evtchn_bind_pirq bind = { .pirq = RTC_IRQ };
    u32 value = 0;

    CHECK_RC(apic(PHYSDEVOP_apic_read, IO_APIC, VERSION, &value), 0);
    CHECK((value >> 16 & 0xff) >= 23);
    CHECK_RC(apic(PHYSDEVOP_apic_read, 0x1000, VERSION, &value), -XEN_EINVAL);
    CHECK_RC(apic(PHYSDEVOP_apic_write, 0x1000, ENTRY, &value), -XEN_EINVAL);
    CHECK_RC(physdev_op(PHYSDEVOP_alloc_irq_vector, &irq), 0);
    value = irq.vector | ENTRY_LEVEL;
    CHECK_RC(apic(PHYSDEVOP_apic_write, IO_APIC, ENTRY, &value), 0);
    CHECK_RC(event_channel_op(EVTCHNOP_bind_pirq, &bind), 0);
    port = bind.port;
}

TEST
{
    u64 *ends = page_alloc();
    struct physdev_pirq_eoi_gmfn page = { .gmfn = ptr_mfn(ends) };

    CHECK_RC(physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v1, NULL), -XEN_EFAULT);
    page.gmfn = current_l4(); /* not a page that the hypervisor may write */
    CHECK_RC(physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v1, &page), -XEN_EINVAL);
    page.gmfn = 1UL << 40;
    CHECK_RC(physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v1, &page), -XEN_EINVAL);
    page.gmfn = ptr_mfn(ends);
    CHECK_RC(physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v1, &page), 0);
    CHECK_RC(physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v2, &page), -XEN_EBUSY);
    if (!guest_is_privileged())
        return;
    wire();
    CHECK(ends[0] >> RTC_IRQ & 1);

    rtc_init();
    event_clear(port);
    end();
    rtc_periodic(true);
    CHECK(comes(PATIENCE_NS));
    check_quiet();
    end();
    CHECK(comes(PATIENCE_NS)); /* and still up */
    for (u32 i = 0; i < 5; i++) {
        rtc_read(RTC_C);
        end();
        CHECK(comes(PATIENCE_NS));
    }
    rtc_periodic(false);
    end();
    comes(QUIET_NS);
    CHECK(!comes(QUIET_NS));

    event_mask(port); /* the end unmasks */
    end();
    CHECK(!(shared_info->evtchn_mask[port / 64] >> (port % 64) & 1));
    CHECK_RC(event_close(port), 0);
}
