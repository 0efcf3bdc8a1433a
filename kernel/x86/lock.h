/*
 * Spin locks with a written order that is checked as it runs.
 *
 * A CPU may take a lock only if its level is higher than that of every lock it holds (two domains: lower domain id first, through
 * lock_pair()). An inversion is a panic at once. Interrupts stay on while a lock is held and while a CPU waits for one, so a waiting CPU
 * still answers TLB-flush requests; interrupt handlers therefore take no lock.
 *
 * Locks are not taken in turn. Tickets would be fairer, but where CPUs are threads of an emulator (or of any host that has fewer of its own) the
 * one whose turn it is mostly doesn't run, all others wait for it, and so again at each turn: four CPUs of Linux on two busy ones of the host
 * took six times as long. So whoever runs may take a lock that is free. That nobody goes short of it for ever on a real machine, a CPU that has waited
 * for long says so in the lock, and others then leave it to that CPU, for a while only: it might be one that doesn't run (spin_wait()).
 */
#ifndef KOAN_X86_LOCK_H
#define KOAN_X86_LOCK_H

#include "lib/types.h"
#include "lib/panic.h"
#ifndef KOAN_HOST
#include "x86/cpu.h"
#endif

/* The order in which locks are taken, lowest first. One bit each: cpu->lock_level is the set held. */
enum lock_level {
    LOCK_DOMLIST = 1,        /* the list of domains */
    LOCK_DOMAIN = 2,         /* one domain: its memory, its vCPUs' control state */
    LOCK_DOMAIN2 = 4,        /* a second domain, of higher id */
    LOCK_EVENT = 8,          /* one domain's event channels */
    LOCK_EVENT2 = 16,        /* those of a second domain, of higher id */
    LOCK_PIRQ = 32,          /* the lines of physical interrupts */
    LOCK_GRANT = 64,         /* one domain's grant table */
    LOCK_GRANT2 = 128,       /* that of a second domain, of higher id */
    LOCK_SCHED = 256,        /* one CPU's run queue */
    LOCK_SCHED2 = 512,       /* that of a second CPU, of higher id */
    LOCK_SCHED_GROUP = 1024, /* what the scheduler counts of one domain */
    LOCK_TIMER = 2048,       /* one CPU's timers */
    LOCK_ALLOC = 4096,       /* the frame allocator */
    LOCK_FLUSH = 8192,       /* one TLB shootdown at a time */
    LOCK_RING = 16384,       /* one domain's console ring */
    LOCK_LINES = 32768,      /* guests' console lines and the focus */
    LOCK_CONSOLE = 65536,    /* the console itself */
};

struct spinlock {
    union {
        u16 word; /* 0: free, and nobody is hungry */
        struct {
            u8 taken;  /* by somebody; written by who takes it or lets it go */
            u8 hungry; /* somebody has waited for long; written by that CPU */
        };
    };
    u32 level;    /* enum lock_level */
    u32 taken_as; /* level bit it was taken with, for unlock */
};

#define SPINLOCK_INIT(lvl) ((struct spinlock){ .level = (lvl) })

#ifdef KOAN_HOST
static inline void spin_lock(struct spinlock *l)
{
    assert(!l->taken);
    l->taken = 1;
}
static inline void spin_lock_as(struct spinlock *l, u32 level)
{
    (void)level;
    spin_lock(l);
}
static inline bool spin_try(struct spinlock *l, u32 level)
{
    (void)level;
    if (l->taken)
        return false;
    l->taken = 1;
    return true;
}
static inline void spin_unlock(struct spinlock *l)
{
    l->taken = 0;
}
static inline void spin_unlock_from(struct spinlock *l, u32 level)
{
    (void)level;
    spin_unlock(l);
}
static inline bool spin_is_locked(struct spinlock *l)
{
    return l->taken;
}
#else
NORETURN void lock_order_panic(struct spinlock *l, u32 level);
void spin_wait(struct spinlock *l); /* until the lock is the caller's */

static ALWAYS_INLINE void spin_lock_as(struct spinlock *l, u32 level)
{
    struct cpu *c = this_cpu();

    if (unlikely(c->lock_level >= level))
        lock_order_panic(l, level);
    c->lock_level |= level;
    u16 is_free = 0;
    if (unlikely(!__atomic_compare_exchange_n(&l->word, &is_free, 1, false, __ATOMIC_ACQUIRE,
                                              __ATOMIC_RELAXED)))
        spin_wait(l);
    l->taken_as = level;
}

static ALWAYS_INLINE void spin_lock(struct spinlock *l)
{
    spin_lock_as(l, l->level);
}

/*
 * For hot paths that have a longer way besides: take the lock, whose level it is, if it is free and in order. To be let go by
 * spin_unlock_from().
 */
static ALWAYS_INLINE bool spin_try(struct spinlock *l, u32 level)
{
    struct cpu *c = this_cpu();
    u16 is_free = 0;

    if (unlikely(c->lock_level >= level) ||
        unlikely(!__atomic_compare_exchange_n(&l->word, &is_free, 1, false, __ATOMIC_ACQUIRE,
                                              __ATOMIC_RELAXED)))
        return false;
    c->lock_level |= level;
    return true;
}

/* For hot paths, which know the level that the lock was taken with. */
static ALWAYS_INLINE void spin_unlock_from(struct spinlock *l, u32 level)
{
    this_cpu()->lock_level &= ~level;
    __atomic_store_n(&l->taken, 0, __ATOMIC_RELEASE);
}

static ALWAYS_INLINE void spin_unlock(struct spinlock *l)
{
    spin_unlock_from(l, l->taken_as);
}

static inline bool spin_is_locked(struct spinlock *l)
{
    return __atomic_load_n(&l->taken, __ATOMIC_RELAXED);
}
#endif

#endif
