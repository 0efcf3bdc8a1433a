/*
 * The trace rings: two for each CPU, one for refusals, one for the events of lib/trace.h. Refusals
 * have theirs to themselves, so that events that come by the thousand don't push them out.
 *
 * A ring keeps the last records that its pages hold; older ones are overwritten, and `count` tells
 * how many. It is written without a lock by its own CPU alone. The head of a ring is read from
 * outside the machine, too (tools/trace.py), so its layout is fixed.
 */
#ifndef KOAN_DEBUG_TRACE_H
#define KOAN_DEBUG_TRACE_H

#include "lib/parse.h"
#include "lib/trace.h"
#include "mm/addr.h"

/* domid of a record that was made while no vCPU ran. */
#define TRACE_NO_DOMAIN 0xffff

struct trace_record {
    u64 tsc;
    u64 a, b; /* as enum trace_kind says; of a refusal: the value, the address of the file's name */
    u16 domid;
    u8 vcpu;
    u8 kind;   /* enum trace_kind */
    u32 where; /* of a refusal: line * 4096 + error number */
};
static_assert(sizeof(struct trace_record) == 32, "tools/trace.py knows it");

#define TRACE_PER_PAGE (PAGE_SIZE / sizeof(struct trace_record))
#define TRACE_MAGIC    0x3130676e69724b54UL /* "TKring01" */
#define TRACE_PAGES    500                  /* the most that one ring has */

/* The head of a ring, in a page of its own. (c) written by the CPU that owns it, (r) when it is made */
struct trace_ring {
    u64 magic;             /* r: TRACE_MAGIC */
    u64 count;             /* c: records ever written */
    u32 cpu;               /* r */
    u32 pages;             /* r: how many pages of records it has; not 0 */
    u32 clock_mul;         /* r: what makes nanoseconds of the TSC (x86/clock.h) */
    s32 clock_shift;       /* r */
    u64 mfns[TRACE_PAGES]; /* r: their machine frames */
};
static_assert(sizeof(struct trace_ring) <= PAGE_SIZE, "a page");

enum trace_use { TRACE_REFUSALS, TRACE_EVENTS, TRACE_USES };

/* Of one CPU; NULL: it has none (yet). */
struct trace_ring *trace_ring_of(u32 cpu, enum trace_use use);

/* The record that was written as the index-th, one of the last pages * TRACE_PER_PAGE. */
static inline struct trace_record *trace_record_at(const struct trace_ring *ring, u64 index)
{
    mfn_t mfn = MFN(ring->mfns[index / TRACE_PER_PAGE % ring->pages]);

    return (struct trace_record *)mfn_to_virt(mfn) + index % TRACE_PER_PAGE;
}

/* Put jumps over the NOPs of the trace points that `trace=` has asked for. Once, while code may
 * still be written. */
void trace_patch(void);

/* Rings for all CPUs. Once, after the allocator, the clock and all CPUs are up. */
void trace_init(void);

/* The value of `trace=`: kinds, parted by commas; and of `trace_pages=`: 1 to TRACE_PAGES for each
 * CPU's events. False: no such value. */
bool trace_option(struct slice value);
bool trace_pages_option(struct slice value);

/* As the command line names a kind. */
const char *trace_kind_name(u32 kind);

/* The last `most` records of all CPUs, newest first. */
void trace_print(u32 most);

#endif
