/*
 * Tests of two domains: see pair.h.
 */
#include "pair.h"

#define PORTS_TRIED 64 /* of the peer: those that tests make are the lowest */

static char word_of(const char *key, char *text, size_t size)
{
    if (!cmdline_value(key, text, size))
        guest_panic("no %s= on the command line: this is a test of two domains", key);
    return text[0];
}

bool pair_is_a(void)
{
    char text[8];

    return word_of("role", text, sizeof(text)) == 'a';
}

domid_t pair_peer(void)
{
    char text[8];
    domid_t id = 0;

    word_of("peer", text, sizeof(text));
    for (const char *c = text; *c; c++)
        id = (domid_t)(id * 10 + (domid_t)(*c - '0'));
    return id;
}

u32 pair_peer_port(u32 port)
{
    struct evtchn_status status;

    if (event_status(port, &status) || status.status != EVTCHNSTAT_interdomain)
        return 0;
    return status.u.interdomain.port;
}

static u32 connect_a(void)
{
    s64 port = event_alloc_unbound(pair_peer());

    if (port < 0)
        guest_panic("no port for the peer: %ld", port);
    return (u32)port;
}

static u32 connect_b(void)
{
    for (;;) {
        for (u32 theirs = 1; theirs < PORTS_TRIED; theirs++) {
            s64 port = event_bind_interdomain(pair_peer(), theirs);

            if (port > 0)
                return (u32)port;
        }
        yield();
    }
}

/* A new end has an event at once. It is b's; only when b has taken it may a send one, or b would take that, too. So b's word is what a waits for; the
 * status says nothing to it: b may have ended before a looks. */
u32 pair_connect(void)
{
    u32 port = pair_is_a() ? connect_a() : connect_b();

    if (pair_is_a()) {
        pair_wait(port);
    } else {
        event_clear(port);
        pair_signal(port);
    }
    return port;
}

static void sleep_until(u32 port, u64 time)
{
    struct sched_poll poll = { .ports = (u64)&port, .nr_ports = 1, .timeout = time };

    sched_op(SCHEDOP_poll, &poll);
}

void pair_wait(u32 port)
{
    while (!event_clear(port))
        sleep_until(port, 0);
}

/* Closing sends no event. */
void pair_wait_gone(u32 port)
{
    while (pair_peer_port(port))
        yield();
}
