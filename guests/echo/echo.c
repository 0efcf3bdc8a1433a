/*
 * Says again what is typed for it, by way of its console ring: the guest sleeps until the ring's port has an event, as a kernel with
 * drivers does. The line "quit" ends it.
 *
 * A domain without a ring (a dom0) has nothing to do here.
 */
#include "abi/io.h"
#include "event.h"
#include "memory.h"

static struct xencons_interface *ring;
static u32 port;

/* Put it into the ring, wait for room where there is none. */
static void say(const char *text, u32 length)
{
    for (u32 i = 0; i < length; i++) {
        while (ring->out_prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) ==
               sizeof(ring->out))
            event_send(port);
        ring->out[ring->out_prod % sizeof(ring->out)] = text[i];
        __atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
    }
    event_send(port);
}

/* Clear the event before looking at the ring: what comes afterwards sets it again, and the poll returns at once. */
static char next_byte(void)
{
    struct sched_poll poll = { .ports = (u64)&port, .nr_ports = 1 };

    for (;;) {
        event_clear(port);
        if (__atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE) != ring->in_cons)
            break;
        sched_op(SCHEDOP_poll, &poll);
    }
    char c = ring->in[ring->in_cons % sizeof(ring->in)];
    __atomic_store_n(&ring->in_cons, ring->in_cons + 1, __ATOMIC_RELEASE);
    return c;
}

int main(void)
{
    static char line[80] = "you said: ";
    const u32 start = 10;
    u32 length = start;

    if (guest_is_privileged())
        return 0;
    ring = pfn_va(mfn_pfn(start_info->console.domU.mfn));
    port = start_info->console.domU.evtchn;
    say("say something\n", 14);
    for (;;) {
        char c = next_byte();
        if (c != '\n' && c != '\r') {
            if (length < sizeof(line) - 1)
                line[length++] = c;
            continue;
        }
        line[length++] = '\n';
        say(line, length);
        if (length == start + 5 && !memcmp(line + start, "quit", 4))
            return 0;
        length = start;
    }
}
