/*
 * getdomaininfolist with more domains than are described before an interrupt comes: whatever stops it, each domain is there once, in order.
 *
 * A one-shot timer that the upcall sets anew some times keeps a call from ending in one go. Only some times: on a slow machine a kernel
 * that is interrupted again and again does nothing else.
 * Source: sysctl.h.
 */
#define ALONE /* each domain's end is followed by a recount, which takes long together */
#include "build.h"
#include "domctl.h"
#include "event.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"
#include "time.h"

#define DOMAINS     104
#define ROOM        (DOMAINS + 40)
#define ROUNDS      60
#define INTERVAL_NS 50000
#define STOPS       8 /* of one call */

static struct xen_domctl_getdomaininfo list[ROOM];
static u16 made[DOMAINS];
static u32 stops_left;

static void set_timer(void)
{
    if (stops_left) {
        stops_left--;
        hypercall(__HYPERVISOR_set_timer_op, system_time() + INTERVAL_NS, 0, 0, 0, 0);
    }
}

static void on_timer(u32 port)
{
    (void)port;
    set_timer();
}

/* How many, from `first` on and not more than `room`. */
static u32 ask(u16 first, u32 room)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_getdomaininfolist,
                             .u.getdomaininfolist = {
                                 .first_domain = first,
                                 .max_domains = room,
                                 .buffer = (u64)list,
                             } };

    memset(list, 0xff, sizeof(list));
    stops_left = STOPS;
    set_timer();
    CHECK_RC(sysctl(&op), 0);
    return op.u.getdomaininfolist.num_domains;
}

static bool listed(u32 n, u16 domid)
{
    for (u32 i = 0; i < n; i++)
        if (list[i].domain == domid)
            return true;
    return false;
}

static void check_order(u32 n)
{
    for (u32 i = 1; i < n; i++)
        CHECK(list[i].domain > list[i - 1].domain);
    for (u32 i = n; i < ROOM; i++)
        CHECK_EQ(list[i].domain, 0xffff);
}

TEST
{
    struct handmade h = { .code = handmade_count };

    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    foreign_init();
    events_init();
    for (u32 i = 0; i < DOMAINS; i++) {
        h.domid = 0;
        CHECK_RC(handmade_make(&h, STAGE_CREATED), 0);
        made[i] = h.domid;
    }
    s64 port = event_bind_virq(VIRQ_TIMER, 0);
    CHECK(port > 0);
    event_handle((u32)port, on_timer);
    events_on();
    for (u32 round = 0; round < ROUNDS; round++) {
        u32 n = ask(0, ROOM);

        CHECK(n > DOMAINS && n < ROOM);
        check_order(n);
        for (u32 i = 0; i < DOMAINS; i++)
            CHECK(listed(n, made[i]));
        n = ask(made[DOMAINS / 2], 5);
        CHECK_EQ(n, 5);
        check_order(n);
        CHECK_EQ(list[0].domain, made[DOMAINS / 2]);
    }
    for (u32 i = 0; i < DOMAINS; i++)
        CHECK_RC(build_destroy(made[i]), 0);
    u32 n = ask(0, ROOM);
    for (u32 i = 0; i < DOMAINS; i++)
        CHECK(!listed(n, made[i]));
}
