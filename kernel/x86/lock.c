/*
 * What becomes of a CPU that takes locks out of order: see lock.h.
 */
#include "x86/lock.h"

NORETURN NOINLINE void lock_order_panic(struct spinlock *l, u32 level)
{
    struct cpu *c = this_cpu();
    u32 held = c->lock_level;

    c->lock_level = 0; /* or the panic's own locks would end here again */
    panic("lock %p of level %#x taken while levels %#x are held (order: x86/lock.h)", (void *)l,
          level, held);
}
