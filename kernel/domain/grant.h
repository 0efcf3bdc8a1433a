/*
 * Grant tables, version 1: a domain lends frames to another one, to be mapped or copied, and takes them back.
 *
 * The granter writes an entry into its table, a few frames that it shares with the hypervisor: whom it lends to, which frame, whether only
 * for reading. The index of the entry is the grant reference. It takes the frame back by clearing the entry, but only while neither
 * of the two bits is set by which the hypervisor says "in use". What the hypervisor itself believes about a grant stands in a table of
 * its own (struct grant_active), because the granter can write anything into the shared one at any time.
 *
 * Two things are counted apart. A *use* of a grant (a mapping that has a handle, or a copy under way) keeps the bits set, and so tells the
 * granter to keep its hands off. A page-table entry that maps the frame holds references of the frame, as any entry does (mm/validate.h),
 * and so keeps the frame from changing its type or its owner. A guest that overwrites such an entry, or gives up the table with it, gives
 * up the references, but not the use: its handle is of no use then, and the grant stays in use until the guest ends.
 *
 * A table of uses outlives its domain as long as there are uses; nobody waits for it. Source: Xen's public grant_table.h.
 *
 * Locking: (m) the memory lock of the domain, mem.lock; (g) the lock in the table, LOCK_GRANT, behind any memory lock.
 */
#ifndef KOAN_DOMAIN_GRANT_H
#define KOAN_DOMAIN_GRANT_H

#include "abi/grant_table.h"
#include "lib/types.h"
#include "mm/memory.h"
#include "x86/lock.h"

#define GRANT_FRAMES_MAX     64 /* of one domain, as Xen's default */
#define GRANT_REFS_PER_FRAME ((u32)(PAGE_SIZE / sizeof(struct grant_entry_v1)))

/* What is in use of one grant. */
struct grant_active {
    u32 mfn;   /* g: while there are uses */
    u16 domid; /* g: whose they are; likewise */
    u16 spare;
    u64 uses; /* g: low half: those that only read; high half: those that may write */
};
static_assert(sizeof(struct grant_active) == 16, "a power of two: no division to find one");

#define GRANT_WRITE_USE BIT(32)
#define GRANT_USES_FULL (BIT(31) | BIT(63)) /* so many that another one is refused */

#define GRANT_ACTIVE_PER_PAGE ((u32)(PAGE_SIZE / sizeof(struct grant_active)))
#define GRANT_ACTIVE_PAGES    (GRANT_FRAMES_MAX * GRANT_REFS_PER_FRAME / GRANT_ACTIVE_PER_PAGE)

/* One page; made when a domain first asks for its table. */
struct grant_table {
    struct spinlock lock;
    bool dead;  /* g: its domain has ended; nothing but `users` means anything */
    u16 domid;  /* r */
    u32 frames; /* g: how many of `shared` there are */
    u64 users;  /* g: all uses, and 1 for the domain while it lives; the last one frees the page */
    struct grant_entry_v1 *shared[GRANT_FRAMES_MAX]; /* g */
    struct grant_active *active[GRANT_ACTIVE_PAGES]; /* g: two pages for each frame */
    u64 audit_users, audit_sum;                      /* the audit's own */
};
static_assert(sizeof(struct grant_table) <= PAGE_SIZE, "one page");

/* A mapping, in the mapping domain: what a handle names. */
struct grant_map {
    struct grant_table *table; /* m: the granter's */
    u32 mfn;                   /* m; while it is free: the next free handle */
    u16 ref;                   /* m */
    u16 flags; /* m: GNTMAP_*; those of host_map and device_map that are undone are gone; 0: free */
};
static_assert(sizeof(struct grant_map) == 16, "a power of two");
static_assert(GRANT_FRAMES_MAX * GRANT_REFS_PER_FRAME <= 1U << 16, "a reference fits in 16 bits");

#define GRANT_MAPS_PER_PAGE ((u32)(PAGE_SIZE / sizeof(struct grant_map)))
#define GRANT_MAP_PAGES     510
#define GRANT_NO_HANDLE     (~0U)

/* All handles of a domain; one page, made when it first maps a grant. */
struct grant_maps {
    u32 pages; /* m */
    u32 fresh; /* m: handles from here on have never been used */
    u32 free; /* m: first of the list of those that have been, and are free; GRANT_NO_HANDLE: none */
    u32 pad;
    struct grant_map *page[GRANT_MAP_PAGES]; /* m */
};
static_assert(sizeof(struct grant_maps) <= PAGE_SIZE, "one page");

/* ---- the granter's side: grant_table.c ---- */

/* See to it that the table has so many frames. 0; -XEN_ERESTART: work is pending, ask again; -XEN_ENOMEM, -XEN_ESRCH. Takes the memory lock. */
s64 grant_table_grow(struct domain_memory *m, u32 frames);

/* The table as its domain sees it. Under the memory lock. */
u32 grant_table_frames(const struct domain_memory *m);
mfn_t grant_table_frame(const struct domain_memory *m, u32 index);

/* For the domain builder: write an entry before the domain runs. False: no memory for a table. */
bool grant_seed(struct domain_memory *m, grant_ref_t ref, u16 to, mfn_t frame);

/* Exchange two entries that are not in use: 0 or GNTST_*. */
s16 grant_swap(struct domain_memory *m, grant_ref_t a, grant_ref_t b);

/* ---- the other side: grant_map.c, grant_copy.c ---- */

/* Who calls, and the granter that was looked for last: a batch mostly names the same one. */
struct grant_caller {
    struct domain_memory *own;
    u64 cr3;                    /* of the calling vCPU's kernel */
    struct domain_memory *peer; /* NULL, or found and to be let go */
};

static inline void grant_caller_done(struct grant_caller *c)
{
    if (c->peer)
        memory_let_go(c->peer);
    c->peer = NULL;
}

/* The memory of a domain by its number, or NULL. It stays the caller's until another one is looked for or all is done. */
struct domain_memory *grant_find_peer(struct grant_caller *c, u16 domid);
static inline struct domain_memory *grant_peer(struct grant_caller *c, u16 domid)
{
    if (domid == c->own->domid)
        return c->own;
    return c->peer && c->peer->domid == domid ? c->peer : grant_find_peer(c, domid);
}

/* One operation; its status and results go into *op. 0, or -XEN_ERESTART: nothing has happened yet. */
s64 grant_map(struct grant_caller *c, struct gnttab_map_grant_ref *op);
s64 grant_copy(struct grant_caller *c, struct gnttab_copy *op);

/* Mappings are undone in batches, so that one flush of the TLBs does for all. */
#define GRANT_UNMAP_BATCH 32

struct grant_unmap {
    u64 host_addr, dev_bus_addr;
    u64 new_addr; /* move the mapping from there to host_addr; 0: leave nothing */
    u32 handle;
    s16 status;            /* out */
    bool write, flush;     /* for grant_unmap itself */
    struct grant_map *map; /* likewise: the mapping is undone as a whole; NULL: it isn't */
};
s64 grant_unmap(struct grant_caller *c, struct grant_unmap *ops, u32 count);

/* ---- the end of a domain: false: to be called again ---- */

/* As a granter: before its memory is released. */
bool grant_table_end(struct domain_memory *m);

/* As a mapper: after its memory is released, so that no page table of its maps the frames any more. */
bool grant_maps_end(struct domain_memory *m);

#endif
