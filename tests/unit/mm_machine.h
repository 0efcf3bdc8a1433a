/*
 * A small machine for the tests of mm/: some frames of memory, one CPU with a TLB that never forgets, domains, and a recount of all
 * references from scratch.
 *
 * The recount is written against the rules in mm/frame.h, not after the code: it looks at every table of every domain and adds up what each
 * entry must hold.
 */
#ifndef KOAN_TESTS_MM_MACHINE_H
#define KOAN_TESTS_MM_MACHINE_H

#include "unit.h"
#include "mm/alloc.h"
#include "mm/frame.h"
#include "mm/memory.h"
#include "mm/type.h"
#include "mm/update.h"
#include "mm/walk.h"

#define MACHINE_FRAMES 512 /* the last MACHINE_HOLE of them are no RAM */
#define MACHINE_HOLE   8
#define MACHINE_RAM    (MACHINE_FRAMES - MACHINE_HOLE)

#define MAX_HELD 64

/* What the test itself holds of a domain, as vCPUs do: base pointers and descriptor tables, and results of walks. */
struct machine_domain {
    struct domain_memory m;
    mfn_t held[MAX_HELD]; /* each a reference and a type reference */
    u32 nr_held;
    struct walk_result results[2]; /* of its vCPUs */
};

#define MACHINE_DOMAINS 3
extern struct machine_domain machine_domain[MACHINE_DOMAINS];

/* Power on: all RAM is free. */
void machine_start(u64 seed);

/* Domain `id` with so many pages, of which `taken` are allocated at once; they are noted in pages[]. */
struct domain_memory *machine_new_domain(u16 id, bool privileged, u64 reserved, u64 taken,
                                         mfn_t *pages);

u64 machine_random(u64 below);

/* One question in so many finds work pending; 0: none ever does. */
extern u32 machine_interrupts;

/* Flushes that the CPU has done. */
extern u32 machine_flushes;

/* What the guest does to a word of a frame that it has mapped writable. */
void machine_poke(mfn_t mfn, u32 index, u64 value);
u64 machine_peek(mfn_t mfn, u32 index);

/* An emulated store of domain id into an entry of its L1 table: see update_l1_if. */
s64 machine_store(u16 id, mfn_t table, u32 index, pte_t *seen, pte_t e);

/* type_get until it says something else than -XEN_ERESTART; a success is noted in held[]. And the way back. */
s64 machine_hold(u16 id, mfn_t mfn, enum frame_type type);
void machine_drop(u16 id, u32 index);

/* Fail the test unless every count is what the recount says, and no TLB entry grants what the types forbid. */
void machine_audit(void);

/* End the domain; all its frames must be free afterwards, except those that others map. */
void machine_end_domain(u16 id);

#endif
