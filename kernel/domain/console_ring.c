/*
 * The console ring that the hypervisor serves: see console_ring.h.
 *
 * Output goes to the console in the hypercall of the guest that sends, so whoever floods pays with its own time; it stops for pending work
 * like every long call.
 */
#include "domain/console_ring.h"
#include "abi/errno.h"
#include "abi/io.h"
#include "domain/console.h"
#include "domain/domain.h"
#include "domain/event.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "mm/type.h"

#define CHUNK    128 /* bytes moved with the lock held */
#define OUT_SIZE sizeof(((struct xencons_interface *)0)->out)

static struct xencons_interface *ring_of(const struct console_ring *r)
{
    return mfn_to_virt(r->mfn);
}

void console_ring_init(struct domain *d)
{
    d->console_ring = (struct console_ring){ .lock = SPINLOCK_INIT(LOCK_RING), .mfn = INVALID_MFN };
}

bool console_ring_start(struct domain *d, mfn_t mfn, u32 *port)
{
    struct console_ring *r = &d->console_ring;

    spin_lock(&d->mem.lock);
    s64 error = type_get(&d->mem, mfn, FRAME_WRITABLE, NULL);
    spin_unlock(&d->mem.lock);
    if (error)
        return false;
    r->mfn = mfn;
    if (event_bind_hypervisor(d, &r->port))
        return false; /* the frame is given back with the domain */
    r->served = true;
    console_offer_focus(d);
    *port = r->port;
    return true;
}

void console_ring_taken(struct domain *d)
{
    spin_lock(&d->console_ring.lock);
    d->console_ring.served = false;
    spin_unlock(&d->console_ring.lock);
}

/* How many bytes wait in the out ring. Indices that can't be right: all that they could mean is dropped. */
static u32 out_waiting(struct console_ring *r, const struct xencons_interface *ring)
{
    u32 prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);

    if (unlikely(prod - r->out_cons > OUT_SIZE)) {
        refuse(-XEN_EINVAL, prod);
        r->out_cons = prod;
    }
    return prod - r->out_cons;
}

/* Take a chunk of output, at most up to the ring's edge; returns how many bytes. */
static u32 move_out(struct domain *d)
{
    struct console_ring *r = &d->console_ring;
    char text[CHUNK];
    u32 n = 0;

    spin_lock(&r->lock);
    if (likely(r->served)) {
        struct xencons_interface *ring = ring_of(r);
        u32 at = r->out_cons % OUT_SIZE;
        r->used = true;
        n = min(out_waiting(r, ring), (u32)CHUNK);
        n = min(n, (u32)OUT_SIZE - at);
        memcpy(text, ring->out + at, n);
        console_guest_write(d, text, n);
        r->out_cons += n;
        __atomic_store_n(&ring->out_cons, r->out_cons, __ATOMIC_RELEASE);
    }
    spin_unlock(&r->lock);
    return n;
}

/* Likewise of input. */
static u32 move_in(struct domain *d)
{
    struct console_ring *r = &d->console_ring;
    u32 n = 0;

    spin_lock(&r->lock);
    if (r->served && r->used) {
        struct xencons_interface *ring = ring_of(r);
        u32 used = r->in_prod - __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);
        u32 room = used < sizeof(ring->in) ? (u32)sizeof(ring->in) - used : 0;
        u32 at = r->in_prod % sizeof(ring->in);
        n = (u32)console_guest_read(d, (u8 *)ring->in + at, min(room, (u32)sizeof(ring->in) - at));
        r->in_prod += n;
        __atomic_store_n(&ring->in_prod, r->in_prod, __ATOMIC_RELEASE);
    }
    spin_unlock(&r->lock);
    return n;
}

static bool move_all_in(struct domain *d)
{
    bool some = false;

    while (move_in(d))
        some = true;
    return some;
}

/* At most one ring's worth of output: a second vCPU may be writing on. */
s64 console_ring_sent(struct domain *d)
{
    u32 total = 0, n;

    while (total < OUT_SIZE && !(total && work_pending()) && (n = move_out(d)) != 0)
        total += n;
    if (move_all_in(d) || total)
        event_raise(d, d->console_ring.port);
    return total && work_pending() ? -XEN_ERESTART : 0;
}

void console_ring_input(u16 domid)
{
    struct domain *d = domain_hold(domid);

    if (!d)
        return;
    if (move_all_in(d))
        event_raise(d, d->console_ring.port);
    domain_let_go(d);
}
