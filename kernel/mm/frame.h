/*
 * The frame table: who owns each machine frame, as what it is used, and how often. This table is the memory partitioning.
 *
 * Rules. A frame belongs to one domain or to none. `refs` counts what keeps it with its owner: 1 for being allocated, 1 for each page-table
 * entry that maps it, 1 for each pin, base pointer and descriptor table. `type_refs` counts the uses that need the type: writable mappings for
 * FRAME_WRITABLE, entries and pins and base pointers for FRAME_L1..L4, descriptor tables for FRAME_SEG. A frame has one type at a time; it changes only
 * at type_refs 0. A type of L1..L4 with type_refs > 0 means: every entry has been validated and holds its references (except while a tree is
 * being walked, see mm/walk.h). `refs` reaches 0 only when the frame goes back to the allocator.
 *
 * Locking: a field is protected by the owner domain's memory lock (d), by the allocator's lock while nobody owns the frame (f), or is only changed by
 * the allocator (o: owner is written under f, before anybody can see the frame or after nobody can).
 */
#ifndef KOAN_MM_FRAME_H
#define KOAN_MM_FRAME_H

#include "lib/types.h"
#include "mm/addr.h"

enum frame_type {
    FRAME_NONE = 0, /* no use that needs a type */
    FRAME_L1 = 1,
    FRAME_L2 = 2,
    FRAME_L3 = 3,
    FRAME_L4 = 4,
    FRAME_SEG = 5,      /* GDT or LDT page */
    FRAME_WRITABLE = 6, /* mapped writable somewhere */
};

/* Owners that are no guest (the ABI keeps 0x7ff0 and above for such ids). */
#define OWNER_FREE 0x7ffe /* in the allocator */
#define OWNER_KOAN 0x7ffd /* the hypervisor's own */
#define OWNER_NONE 0x7ffc /* no RAM: a hole, device memory */

#define FRAME_PINNED BIT(0) /* a pin holds one reference and one type reference */
#define FRAME_DIRTY  BIT(1) /* free, and still has the last owner's bytes: scrub before use */
#define FRAME_SHARED                                                                               \
    BIT(2) /* a hypervisor frame given to a domain (shared_info, grant table): writable type only, never a table */

struct frame {
    u32 refs;      /* d */
    u32 type_refs; /* d */
    u8 type; /* d: enum frame_type; kept at type_refs 0 until the next use, so that a re-use of a still valid type is cheap */
    u8 flags;   /* d/f: FRAME_* bits */
    u16 owner;  /* o: domain id or OWNER_* */
    u16 linear; /* d: linear (same-level) page-table links into and out of this table */
    u16 reserved;
    u64 stamp; /* d: flush clock when the last writable or table use ended (x86/tlb.h) */
    u32 next;  /* d/f: the owner's page list or the free list, as frame numbers; 0 ends it */
    u32 prev;  /* d/f */
};
static_assert(sizeof(struct frame) == 32, "32 bytes for each 4 KiB: below 1 %");

#ifdef KOAN_HOST
extern struct frame *frame_table;
extern u64 *m2p_table;
#else
#define frame_table ((struct frame *)FRAME_TABLE_VA)
extern u64 *m2p_table; /* the hypervisor's writable view of the machine-to-physical table */
#endif
extern u64
    max_mfn; /* r: frame_table and m2p_table have entries 0..max_mfn-1; holes have OWNER_NONE */

static inline bool mfn_valid(mfn_t mfn)
{
    return mfn.n < max_mfn;
}

static inline struct frame *mfn_to_frame(mfn_t mfn)
{
    return &frame_table[mfn.n];
}

static inline mfn_t frame_to_mfn(const struct frame *f)
{
    return MFN((u64)(f - frame_table));
}

#endif
