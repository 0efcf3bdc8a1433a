/*
 * For tests of a domain that ends in the midst of a long call: its second vCPU makes the call over and over, the first crashes.
 *
 * Afterwards the recount of the frame table must be clean, and the machine goes on. The call is as likely to be cut in its middle as anywhere.
 */
#ifndef TESTS_DYING_H
#define TESTS_DYING_H

#include "smp.h"
#include "test.h"

static u64 dying_calls; /* that have come back well */

/* The other vCPU's: one call is done; has it answered as it should? */
static inline void dying_count(bool good)
{
    if (good)
        __atomic_fetch_add(&dying_calls, 1, __ATOMIC_RELAXED);
}

/* `work`: makes the call for ever. */
static inline void die_amid(const char *what, void (*work)(u64))
{
    if (smp_count() < 2)
        TEST_SKIP("needs two vCPUs");
    CHECK_RC(smp_start(1, work, 0), 0);
    for (u64 i = 0; i < 100000000 && __atomic_load_n(&dying_calls, __ATOMIC_RELAXED) < 3; i++)
        yield();
    CHECK(dying_calls >= 3);
    EXPECT_CRASH("ud2 without a handler, in the midst of %s", what);
    set_trap_table(NULL);
    __asm__ volatile("ud2");
}

#endif
