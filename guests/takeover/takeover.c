/*
 * A console daemon in small: takes the console ring of a domain from a boot module over from the hypervisor, talks with the guest, and sees it end.
 *
 *     of=DOMID     whose (default 1); a guest that answers lines, like guests/echo
 *
 * It begins when the hypervisor has taken something out of the ring. Nobody tells a dom0 of Koan's where the rings of boot modules are, so it looks: the
 * port is the one whose other end is the hypervisor's, and the frame is named in the domain's start_info.
 */
#include "abi/io.h"
#include "domctl.h"
#include "event.h"
#include "foreign.h"
#include "memory.h"

#define LIST 512 /* frames asked about at once */

enum { SLOT_LOOK, SLOT_RING };

static u16 other;
static struct xencons_interface *ring;
static u32 port; /* ours */

/* Is there a start_info in this frame of the other's? Then its ring's frame, else 0. */
static u64 ring_named_in(u64 mfn)
{
    const struct start_info *page = foreign_keep(SLOT_LOOK, other, mfn);
    u64 found = 0;

    if (page) { /* NULL: it holds descriptors, or is in use otherwise */
        if (!memcmp(page->magic, start_info->magic, sizeof(page->magic)))
            found = page->console.domU.mfn;
        foreign_drop(SLOT_LOOK);
    }
    return found;
}

/* Among the frames from `first` on. */
static u64 look_at(u64 first)
{
    static u64 frames[LIST];
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getpageframeinfo3, .domain = other };
    u64 found = 0;

    for (u64 i = 0; i < LIST; i++)
        frames[i] = first + i;
    op.u.getpageframeinfo3.num = LIST;
    op.u.getpageframeinfo3.array = (u64)frames;
    if (domctl(&op))
        guest_panic("XEN_DOMCTL_getpageframeinfo3");
    for (u64 i = 0; i < LIST && !found; i++)
        if (frames[i] == XEN_DOMCTL_PFINFO_NOTAB)
            found = ring_named_in(first + i);
    return found;
}

static u64 find_ring(void)
{
    u64 last = (u64)memory_op(XENMEM_maximum_ram_page, NULL), found = 0;

    for (u64 first = 0; first <= last && !found; first += LIST)
        found = look_at(first);
    if (!found)
        guest_panic("domain %u has no console ring", other);
    return found;
}

static struct evtchn_status status_of(u16 domid, u32 number)
{
    struct evtchn_status status = { .dom = domid, .port = number };

    if (event_channel_op(EVTCHNOP_status, &status))
        guest_panic("the status of port %u of domain %u", number, domid);
    return status;
}

static u32 find_port(void)
{
    for (u32 n = 1; n < 32; n++) {
        struct evtchn_status status = status_of(other, n);

        if (status.status == EVTCHNSTAT_interdomain && status.u.interdomain.dom == DOMID_XEN)
            return n;
    }
    guest_panic("no port of domain %u is served by the hypervisor", other);
}

static void say(const char *text)
{
    for (; *text; text++) {
        ring->in[ring->in_prod % sizeof(ring->in)] = *text;
        __atomic_store_n(&ring->in_prod, ring->in_prod + 1, __ATOMIC_RELEASE);
    }
    event_send(port);
}

/* The next line that it says; it goes to our own console. */
static void hear(void)
{
    char line[80];
    u32 length = 0;

    for (;;) {
        while (__atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE) == ring->out_cons)
            yield();
        char c = ring->out[ring->out_cons % sizeof(ring->out)];
        __atomic_store_n(&ring->out_cons, ring->out_cons + 1, __ATOMIC_RELEASE);
        if (c == '\n')
            break;
        if (length < sizeof(line) - 1)
            line[length++] = c;
    }
    line[length] = '\0';
    print("it says: %s\n", line);
}

int main(void)
{
    other = (u16)cmdline_number("of", 1);
    foreign_init();
    ring = foreign_keep(SLOT_RING, other, find_ring());
    if (!ring)
        guest_panic("the ring can't be mapped");
    while (!__atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE))
        yield();
    u32 theirs = find_port();
    s64 bound = event_bind_interdomain(other, theirs);
    if (bound < 0)
        guest_panic("port %u can't be bound to: %ld", theirs, bound);
    port = (u32)bound;
    print("the other end of its port is domain %u's now\n",
          status_of(other, theirs).u.interdomain.dom);
    say("hello\n");
    hear();
    say("quit\n");
    hear();
    while (status_of(DOMID_SELF, port).status == EVTCHNSTAT_interdomain)
        yield();
    print("it has closed its end\n");
    foreign_drop(SLOT_RING);
    return 0;
}
