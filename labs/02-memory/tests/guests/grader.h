/*
 * What a grader's guest shares with labs/02-memory/tests/memory.py. The guest does something with its memory, notes what it did in
 * `note`, and calls checkpoint(): there the grader stops the machine and looks. Nothing is printed, and no verdict is the guest's.
 */
#ifndef GRADER_H
#define GRADER_H

#include "guest.h"
#include "memory.h"

#define NOTES_MAX 512

/* One row: what the grader shall look at. Kinds are memory.py's. */
struct note {
    u64 kind, mfn, value;
};

extern volatile struct notes {
    u64 nonce, step, count;
    struct note row[NOTES_MAX];
} notes;

/* The grader's breakpoint. */
void checkpoint(u64 step);

#define GRADER_GUEST                                                                               \
    volatile struct notes notes;                                                                   \
    NOINLINE void checkpoint(u64 step)                                                             \
    {                                                                                              \
        notes.step = step;                                                                         \
        asm volatile("" : : : "memory");                                                           \
    }                                                                                              \
    static __attribute__((unused)) u64 seed; /* one guest needs none */

static inline void note(u64 kind, u64 mfn, u64 value)
{
    if (notes.count < NOTES_MAX) {
        notes.row[notes.count].kind = kind;
        notes.row[notes.count].mfn = mfn;
        notes.row[notes.count].value = value;
        notes.count++;
    }
}

static inline u64 hex_word(const char *key)
{
    char text[2];

    if (!cmdline_value(key, text, sizeof(text)))
        guest_panic("no %s= on the command line", key);
    return cmdline_hex(key, 0);
}

/* xorshift64* (Marsaglia, Vigna): the grader's seed makes each run another. */
static inline u64 next_random(u64 *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dUL;
}

static inline u64 below(u64 *state, u64 limit)
{
    return next_random(state) % limit;
}

#endif
