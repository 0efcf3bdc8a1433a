/*
 * A test of two domains: one image, run twice. The runner starts both at the same time with `role=a peer=ID` and `role=b peer=ID` on the
 * command line, in domains NAME and NAME-b, and wants a verdict from each. The test's source says `#define PAIR`.
 *
 *     TEST
 *     {
 *         u32 port = pair_connect();          an event channel with the other one
 *         if (pair_is_a())
 *             pair_signal(port);              it has something to look at
 *         else
 *             pair_wait(port);                sleeps until then
 *     }
 *
 * A pair has nothing in common at first but each other's domain ids: a makes a port for b, and b tries all of a's ports until one is.
 */
#ifndef GUEST_PAIR_H
#define GUEST_PAIR_H

#include "event.h"

bool pair_is_a(void);
domid_t pair_peer(void);

/* A channel with the peer, without a pending event. The n-th call of one is connected with the n-th of the other. */
u32 pair_connect(void);

/* The peer's port to which this one is connected; 0: it is not connected now. */
u32 pair_peer_port(u32 port);

static inline void pair_signal(u32 port)
{
    event_send(port);
}

/* Until the port has an event, which is taken. */
void pair_wait(u32 port);

/* Until the peer has closed its end, or is gone. */
void pair_wait_gone(u32 port);

#endif
