/*
 * The rare ways of locks: somebody else has it; it was taken out of order. See lock.h.
 */
#include "x86/lock.h"
#include "x86/asm.h"

/* In rounds of the loop below. */
#define PATIENCE   2000  /* then a CPU is hungry: far longer than any lock is held, if CPUs run */
#define MANNERS    50    /* a free lock is left to the hungry one that often */
#define RELAX_ENDS 20000 /* see the end of the loop */

void spin_wait(struct spinlock *l)
{
    bool hungry = false;
    u32 left_it = 0;

    for (u32 round = 0;; round++) {
        if (!__atomic_load_n(&l->taken, __ATOMIC_RELAXED)) {
            bool mine = hungry || !__atomic_load_n(&l->hungry, __ATOMIC_RELAXED);

            if ((mine || left_it++ >= MANNERS) &&
                !__atomic_exchange_n(&l->taken, 1, __ATOMIC_ACQUIRE))
                break;
        }
        if (!hungry && round >= PATIENCE && !__atomic_load_n(&l->hungry, __ATOMIC_RELAXED))
            hungry = !__atomic_exchange_n(&l->hungry, 1, __ATOMIC_RELAXED);

        /* PAUSE gives QEMU's turn to another CPU where they take turns, and makes a loop a thousand times slower. A lock that isn't
         * let go by now never is; who counts instructions to find that out (the graders) shall not have to wait for hours. */
        if (round < RELAX_ENDS)
            cpu_relax();
    }
    if (hungry)
        __atomic_store_n(&l->hungry, 0, __ATOMIC_RELAXED);
}

NORETURN NOINLINE void lock_order_panic(struct spinlock *l, u32 level)
{
    struct cpu *c = this_cpu();
    u32 held = c->lock_level;

    c->lock_level = 0; /* or the panic's own locks would end here again */
    panic("lock %p of level %#x taken while levels %#x are held (order: x86/lock.h)", (void *)l,
          level, held);
}
