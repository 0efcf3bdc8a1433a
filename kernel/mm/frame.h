/*
 * The frame table: who owns each machine frame, as what it is used, and how often. This table is the memory partitioning.
 *
 * Rules. A frame belongs to one domain or to none. `refs` counts what keeps it with its owner: 1 for being allocated, 1 for each
 * page-table entry that maps it, 1 for each pin, base pointer and descriptor table. `type_refs` counts the uses that need the type:
 * writable mappings for FRAME_WRITABLE, entries and pins and base pointers for FRAME_L1..L4, descriptor tables for FRAME_SEG. Each
 * type reference stands on a reference of its own, so type_refs < refs. A frame has one type at a time; it changes only at type_refs 0.
 * A type of L1..L4 with type_refs > 0 means: every entry has been validated and holds its references (except while a tree is being
 * walked, see mm/walk.h). `refs` reaches 0 only when the frame goes back to the allocator.
 *
 * An entry that names its own table (a linear page table) holds no references: they could never be given up.
 *
 * Locking: (d) the owner domain's memory lock. (f) the allocator's lock. (+) goes up only under (d), but may go down without it, by an
 * atomic operation: a mapping of the frame may stand in another domain's table and end there at any time.
 */
#ifndef KOAN_MM_FRAME_H
#define KOAN_MM_FRAME_H

#include "lib/types.h"
#include "mm/addr.h"

enum frame_type {
    FRAME_NONE = 0, /* no use yet that needs a type */
    FRAME_L1 = 1,   /* page tables: the type is the level */
    FRAME_L2 = 2,
    FRAME_L3 = 3,
    FRAME_L4 = 4,
    FRAME_SEG = 5,      /* GDT or LDT page */
    FRAME_WRITABLE = 6, /* mapped writable somewhere */
};

/* Owners that are no guest (the ABI keeps 0x7ff0 and above for such ids). */
#define OWNER_FREE 0x7ffe /* in the allocator */
#define OWNER_KOAN 0x7ffd /* the hypervisor's own */
#define OWNER_NONE 0x7ffc /* no RAM: a hole, device memory; holds no counts */
#define OWNER_LIMBO                                                                                \
    0x7ffb /* given up by the domain in `next`, but still mapped somewhere: no new references */

#define FRAME_PINNED BIT(0) /* a pin holds one reference and one type reference */
#define FRAME_DIRTY  BIT(1) /* free, and still has the last owner's bytes: scrub before use */
#define FRAME_SHARED                                                                               \
    BIT(2) /* a hypervisor frame given to a domain (shared_info, grant table): never a table */
#define FRAME_FOREIGN                                                                              \
    BIT(3) /* another domain had it mapped writable: a change of type flushes every CPU */

struct frame {
    u32 refs;      /* + */
    u32 type_refs; /* + */
    u8 type;       /* d: enum frame_type; what it was last, while type_refs is 0 */
    u8 flags;      /* d, f while free */
    u16 owner;     /* written under d and f: domain id or OWNER_* */
    s16 linear; /* d: > 0: linear entries that name this table; < 0: linear entries in it, of other tables */
    u16 reserved;
    u64 stamp; /* d: flush clock when the last writable, table or other use ended (x86/tlb.h) */
    u32 next;  /* f: the owner's page list or the free list, as frame numbers; 0 ends it */
    u32 prev;  /* f */
};
static_assert(sizeof(struct frame) == 32, "32 bytes for each 4 KiB: below 1 %");

#ifdef KOAN_HOST
extern struct frame *frame_table;
#else
#define frame_table ((struct frame *)FRAME_TABLE_VA)
#endif
extern u64 *m2p_table; /* r: the hypervisor's writable view of the machine-to-physical table */
extern u64
    max_mfn; /* r: frame_table and m2p_table have entries 0..max_mfn-1; holes have OWNER_NONE */

/* Far from where the counter would wrap; a guest's request beyond it is refused. */
#define FRAME_COUNT_MAX 0x7fffffffU

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

static inline void *frame_to_virt(const struct frame *f)
{
    return mfn_to_virt(frame_to_mfn(f));
}

/* The frame, if it is this domain's: the question before every new reference. NULL otherwise. */
static inline struct frame *frame_owned(mfn_t mfn, u16 domid)
{
    return mfn_valid(mfn) && mfn_to_frame(mfn)->owner == domid ? mfn_to_frame(mfn) : NULL;
}

static inline bool frame_is_table(const struct frame *f)
{
    return f->type >= FRAME_L1 && f->type <= FRAME_L4;
}

/* One more reference to a frame that has an owner, under the owner's lock. False: too many. */
static inline bool frame_get(struct frame *f)
{
    if (unlikely(f->refs >= FRAME_COUNT_MAX))
        return false;
    __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
    return true;
}

/* Back to the allocator (mm/alloc.c). */
void frame_free(struct frame *f);

/* Nobody refers to it any more: free it, and its last owner's id with the last of its frames (mm/owner.c). */
void frame_last_put(struct frame *f);

static inline void frame_put(struct frame *f)
{
    if (unlikely(__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) == 0))
        frame_last_put(f);
}

#endif
