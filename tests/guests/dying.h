/*
 * For tests of a domain that ends in the midst of a long call: its second vCPU makes the call over and over, the first crashes.
 *
 * The second says when it goes into the call and when it has come back (AMID); the first crashes only when it sees that the other is inside. On one CPU
 * it sees that when the other was interrupted there; on several the call is under way at that moment. Afterwards the recount of the frame table must be
 * clean, and the machine goes on.
 */
#ifndef TESTS_DYING_H
#define TESTS_DYING_H

#include "smp.h"
#include "test.h"

#define DYING_PATIENCE 100000000UL /* looks */

static u64 dying_calls; /* that have come back well */
static bool dying_inside;

/* The other vCPU's: this is the call in which the domain is to end. */
#define AMID(call)                                                                                 \
    ({                                                                                             \
        __atomic_store_n(&dying_inside, true, __ATOMIC_SEQ_CST);                                   \
        s64 amid_rc = (call);                                                                      \
        __atomic_store_n(&dying_inside, false, __ATOMIC_SEQ_CST);                                  \
        amid_rc;                                                                                   \
    })

/* One round is done; has all of it answered as it should? */
static inline void dying_count(bool good)
{
    if (good)
        __atomic_fetch_add(&dying_calls, 1, __ATOMIC_RELAXED);
}

/* Three rounds have gone well. */
static inline void dying_wait(void)
{
    for (u64 i = 0; i < DYING_PATIENCE && __atomic_load_n(&dying_calls, __ATOMIC_RELAXED) < 3; i++)
        yield();
    CHECK(dying_calls >= 3);
}

/* Now is the moment. The CPU is given away only once in a while: where the other vCPU has one of its own, this one looks all the time. */
static inline void dying_crash(void)
{
    set_trap_table(NULL);
    for (u64 i = 1; i < DYING_PATIENCE; i++) {
        if (__atomic_load_n(&dying_inside, __ATOMIC_SEQ_CST))
            __asm__ volatile("ud2");
        if (i % 256 == 0)
            yield();
    }
    TEST_FAIL("the other vCPU was never seen inside the call");
}

/* `work`: makes the call for ever. */
static inline void die_amid(const char *what, void (*work)(u64))
{
    if (smp_count() < 2)
        TEST_SKIP("needs two vCPUs");
    CHECK_RC(smp_start(1, work, 0), 0);
    dying_wait();
    EXPECT_CRASH("ud2 without a handler, in the midst of %s", what);
    dying_crash();
}

#endif
