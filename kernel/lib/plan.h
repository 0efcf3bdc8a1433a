/*
 * The plan of a domain: where everything lies when a PV guest starts, and what stands in it.
 *
 * Pure: from the image's notes and the domain's size comes a fixed-size struct; functions on it say what
 * each page-table entry, the start_info page and the registers hold. A builder only allocates frames,
 * translates the plan's frame numbers (pfn) to machine frames (mfn) and writes. The hypervisor does so for boot
 * modules, a privileged guest through domctl: one plan, so that two builders can't drift apart.
 *
 * Layout, by page from VIRT_BASE (pfn n is at VIRT_BASE + n * 4096):
 *
 *     kernel | ramdisk | p2m list | start_info | xenstore | console | page tables | boot stack | padding
 *
 * up to `mapped` pages; the padding is 512 KiB or more and ends at a multiple of 4 MiB. Two notes change that:
 * MOD_START_PFN puts the ramdisk behind `mapped`; INIT_P2M puts the p2m list last of all, followed by page
 * tables of its own which map it at the address that the note names.
 *
 * Source: Xen's public xen.h, the comment on "start-of-day memory layout", and elfnote.h.
 */
#ifndef KOAN_LIB_PLAN_H
#define KOAN_LIB_PLAN_H

#include "abi/xen.h"
#include "lib/problem.h"
#include "lib/types.h"
#include "lib/xennote.h"

struct plan_input {
    const struct xen_image *image;
    u64 pages;           /* the domain's memory */
    u64 ramdisk_size;    /* bytes; 0: none */
    const char *cmdline; /* must live as long as the plan; NULL: empty */
    bool privileged;     /* gets SIF_PRIVILEGED */
    bool initial;        /* gets SIF_INITDOMAIN */
};

struct plan_range {
    u64 pfn, pages;
};

/* Consecutive pages mapped at consecutive addresses, and the tables below the L4 that do it. */
struct plan_mapping {
    u64 va;           /* of the first page */
    u64 pages;        /* 0: there is no such mapping */
    u64 pfn;          /* of the first page */
    u64 table_pfn[4]; /* by level, 1 to 3: the first table of that level; the others follow it */
    u64 tables[4];    /* by level: how many */
};

enum { PLAN_MAIN, PLAN_P2M, PLAN_MAPPINGS };

struct plan {
    u64 pages; /* the domain's memory */
    u64 virt_base;
    u64 mapped; /* pages of the main mapping */

    struct plan_range kernel;     /* pfn 0 to the end of the last segment */
    struct plan_range ramdisk;    /* empty without one */
    struct plan_range p2m;        /* u64[pages] */
    struct plan_range start_info; /* this and the next two: one page each */
    struct plan_range xenstore;
    struct plan_range console;
    struct plan_range tables; /* of the main mapping: L4, L3s, L2s, L1s */
    struct plan_range stack;
    struct plan_range p2m_tables; /* only with INIT_P2M: L3s, L2s, L1s */
    u64 end_pfn;                  /* behind all of these */

    struct plan_mapping mappings[PLAN_MAPPINGS];

    bool has_hypercall_page;
    u64 hypercall_pfn; /* to be filled by hypercall_page_fill */

    u64 entry, start_info_va, stack_top, p2m_va, l4_va;
    u64 mod_start; /* as start_info has it */
    u64 mod_len;
    u32 flags;
    const char *cmdline;
};

/* Makes the plan, or says why this image can't be started in such a domain. */
bool plan_make(struct plan *plan, const struct plan_input *input, struct problem *problem);

/* ---- page tables: table k < plan_table_count, entry i < 512; table 0 is the L4 ---- */

struct plan_table {
    u64 pfn;
    unsigned level;                     /* 4 to 1 */
    const struct plan_mapping *mapping; /* that it belongs to; NULL for the L4 */
    u64 index;                          /* among that mapping's tables of its level */
};

struct plan_entry {
    bool present; /* the rest is only of use if so */
    u64 pfn;      /* of the next table, or of the page */
    u64 flags;    /* the entry's low and high bits: entry = mfn(pfn) << 12 | flags */
};

u64 plan_table_count(const struct plan *plan);
struct plan_table plan_table_at(const struct plan *plan, u64 k);
struct plan_entry plan_entry_at(const struct plan *plan, const struct plan_table *table,
                                unsigned i);

/* True for a frame that holds a page table; every mapping of it is read-only. */
bool plan_is_table(const struct plan *plan, u64 pfn);

/* ---- the rest of the contents ---- */

/* What the builder knows and the plan doesn't. */
struct plan_frames {
    u64 shared_info; /* machine address, not frame */
    u64 xenstore_mfn, console_mfn;
    u32 xenstore_evtchn, console_evtchn; /* the guest's ports */
};

/* Fills all of *out. For an initial domain leave the frames of xenstore and console 0. */
void plan_start_info(const struct plan *plan, const struct plan_frames *frames,
                     struct start_info *out);

/* The registers that aren't zero when the guest's first instruction runs. */
struct plan_registers {
    u64 rip, rsp, rsi, rflags;
    u16 cs, ss;
};
struct plan_registers plan_registers(const struct plan *plan);

#endif
