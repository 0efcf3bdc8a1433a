/*
 * A domain of a few pages, made by hand through domctl, stage by stage: for tests of the calls themselves, which need no image.
 *
 * Its only vCPU runs a piece of position-independent code, in its one address space: pages 0 (code), 1 (data) and 2 (stack) at
 * HANDMADE_VA, all writable. Registers at the start: rdi = the data page's address, the rest 0.
 */
#ifndef GUEST_HANDMADE_H
#define GUEST_HANDMADE_H

#include "guest.h"

#define HANDMADE_VA    0x0000000000400000UL
#define HANDMADE_PAGES 8

enum {
    HANDMADE_CODE,
    HANDMADE_DATA,
    HANDMADE_STACK,
    HANDMADE_L1,
    HANDMADE_L2,
    HANDMADE_L3,
    HANDMADE_L4
};

enum handmade_stage {
    STAGE_CREATED,   /* createdomain */
    STAGE_LIMITED,   /* max_vcpus, max_mem */
    STAGE_POPULATED, /* has its frames */
    STAGE_WRITTEN,   /* contents and page tables */
    STAGE_PINNED,    /* the L4 */
    STAGE_READY,     /* vCPU 0 has its registers */
    STAGE_RUNNING,   /* unpaused */
    STAGES,
};

struct handmade {
    u16 domid;
    const void *code;
    size_t code_size;
    u64 mfn[HANDMADE_PAGES];
};

/* Go through the stages up to that one; guests/lib/foreign.h must be initialised. 0, or what the first refused call answered. */
s64 handmade_make(struct handmade *h, enum handmade_stage last);

/* Code for such a domain: shuts down for the reason in the first word of its data page. */
extern const u8 handmade_shutdown[];
extern const size_t handmade_shutdown_size;

/* Code that counts up the first word of its data page for ever. */
extern const u8 handmade_count[];
extern const size_t handmade_count_size;

/* Code that sleeps for ever. */
extern const u8 handmade_sleep[];
extern const size_t handmade_sleep_size;

#endif
