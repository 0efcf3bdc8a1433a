/*
 * The console ring that a domain starts with, while the hypervisor serves it: what is put into it is taken when the guest sends on its
 * port, and an event says so.
 *
 * Whatever the guest writes into the indices hurts nobody: output may be lost, the domain goes on, and right indices work again.
 * The page stays an ordinary one of the guest, but for what would take it away from under the hypervisor. Source: io/console.h.
 */
#include "abi/io.h"
#include "event.h"
#include "test.h"

static struct xencons_interface *ring;
static u32 port;

static void put(const char *text)
{
    u32 prod = ring->out_prod;

    while (*text)
        ring->out[prod++ % sizeof(ring->out)] = *text++;
    __atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
}

static bool taken(void)
{
    return __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) == ring->out_prod;
}

static void check_line(u64 events)
{
    put("a line by way of the ring\n");
    CHECK_RC(event_send(port), 0);
    CHECK(taken());
    CHECK_EQ(event_count(port), events);
}

static void check_indices(void)
{
    static const u32 odd[] = { 2049, 4096, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff };

    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        ring->out_prod = ring->out_cons + odd[i];
        CHECK_RC(event_send(port), 0);
        ring->out_cons = odd[i]; /* not the guest's to write: without effect */
        ring->in_cons = ring->in_prod + odd[i];
        ring->in_prod = odd[i];
        CHECK_RC(event_send(port), 0);
        put("");
        CHECK_RC(event_send(port), 0);
    }
    CHECK(taken());
    ring->in_cons = ring->in_prod;
}

/* A ring full of bytes at once, across its edge, ten times. */
static void check_flood(void)
{
    static char line[128];

    memset(line, '-', sizeof(line) - 2);
    line[sizeof(line) - 2] = '\n';
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 16; j++)
            put(line);
        CHECK_RC(event_send(port), 0);
        CHECK(taken());
    }
}

TEST
{
    struct evtchn_status status;

    UNPRIVILEGED_ONLY();
    ring = pfn_va(mfn_pfn(start_info->console.domU.mfn));
    port = start_info->console.domU.evtchn;
    CHECK(port > 0 && port < EVENT_PORTS);
    CHECK_RC(event_status(port, &status), 0);
    CHECK_EQ(status.status, EVTCHNSTAT_interdomain);
    if (status.u.interdomain.dom != DOMID_XEN)
        TEST_SKIP("another domain serves the ring");
    events_init();
    event_clear(port); /* the runtime keeps it masked */
    event_unmask(port);
    events_on();
    check_line(1);
    check_line(2);
    CHECK_RC(event_send(port), 0); /* nothing new: no event */
    CHECK_EQ(event_count(port), 2);
    check_indices();
    check_flood();

    /* The page is held: it can't become a table, and giving it up takes nothing from under the hypervisor. */
    u64 mfn = start_info->console.domU.mfn;
    CHECK_RC(update_va_mapping((u64)ring, 0, UVMF_TLB_FLUSH), 0);
    CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, mfn));
    CHECK_RC(update_va_mapping((u64)ring, mfn << PAGE_SHIFT | PTE_RW_PAGE, UVMF_TLB_FLUSH), 0);

    /* Without the port there is no service, and no harm. */
    CHECK_RC(event_close(port), 0);
    put("nobody reads this\n");
    CHECK_RC(event_send(port), -XEN_EINVAL);
    CHECK(!taken());
}
