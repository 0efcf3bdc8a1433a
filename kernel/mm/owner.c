/*
 * Who has which domain id, and the way of a frame whose last reference is gone: see owner.h, frame.h.
 */
#include "mm/owner.h"
#include "lib/panic.h"
#include "mm/frame.h"

struct owner owners[DOMID_FIRST_RESERVED];

NOINLINE void frame_last_put(struct frame *f)
{
    bool limbo = f->owner == OWNER_LIMBO;
    u32 domid = f->next;

    frame_free(f);
    if (limbo) {
        assert(domid < DOMID_FIRST_RESERVED);
        u32 before = __atomic_fetch_sub(&owners[domid].limbo, 1, __ATOMIC_RELEASE);
        assert(before);
    }
}
