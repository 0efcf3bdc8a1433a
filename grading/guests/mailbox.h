/*
 * What a grader's guest shares with the grader: a mailbox in its memory, which is read and written from outside, and
 * checkpoint(), where the machine is stopped. Nothing is printed, and no verdict is the guest's. See grading/domainscase.py.
 *
 * One file of a guest holds MAILBOX. Words of the command line: nonce=HEX seed=HEX.
 */
#ifndef GRADING_MAILBOX_H
#define GRADING_MAILBOX_H

#include "guest.h"

#define MAILBOX_WORDS 64

struct mailbox {
    u64 nonce;              /* of this run and this domain: the guest is up */
    u64 step;               /* of the last checkpoint */
    u64 progress;           /* counts up while the guest works */
    u64 in[MAILBOX_WORDS];  /* from the grader */
    u64 out[MAILBOX_WORDS]; /* to the grader */
};

extern volatile struct mailbox mailbox;
extern u64 seed;

/* The grader's breakpoints: the mailbox can be read; and as the guest's test has it. On a page's begin, as no other guest has a busy place there. */
void mailbox_ready(void);
void checkpoint(u64 step);

#define MAILBOX                                                                                    \
    volatile struct mailbox mailbox;                                                               \
    u64 seed;                                                                                      \
    NOINLINE void mailbox_ready(void)                                                              \
    {                                                                                              \
        asm volatile("" : : : "memory");                                                           \
    }                                                                                              \
    NOINLINE ALIGNED(PAGE_SIZE) void checkpoint(u64 step)                                          \
    {                                                                                              \
        mailbox.step = step;                                                                       \
        asm volatile("" : : : "memory");                                                           \
    }

static inline u64 hex_word(const char *key)
{
    char text[2];

    if (!cmdline_value(key, text, sizeof(text)))
        guest_panic("no %s= on the command line", key);
    return cmdline_hex(key, 0);
}

/* xorshift64* (Marsaglia, Vigna): the grader's seed makes each run another. */
static inline u64 next_random(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 0x2545f4914f6cdd1dUL;
}

/* First thing in main. */
static inline void mailbox_open(void)
{
    seed = hex_word("seed");
    mailbox.nonce = hex_word("nonce");
    mailbox_ready();
}

/* Wait for the grader to put something into a word of `in`. */
static inline u64 mailbox_wait(u32 word)
{
    while (!mailbox.in[word])
        yield();
    return mailbox.in[word];
}

#endif
