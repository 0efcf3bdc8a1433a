/*
 * HYPERVISOR_memory_op(cmd, arg): the reservation of a domain, the machine-to-physical table and memory maps.
 *
 * Bits 6 and up of cmd are where a call that was continued goes on; a guest leaves them 0. Source: Xen's public memory.h.
 */
#ifndef KOAN_ABI_MEMORY_H
#define KOAN_ABI_MEMORY_H

#include "abi/xen.h"

#define XENMEM_increase_reservation     0 /* out: mfns of fresh frames; result: extents done */
#define XENMEM_decrease_reservation     1 /* in: mfns to give back; result: extents done */
#define XENMEM_maximum_ram_page         2 /* result: highest mfn of RAM in the machine */
#define XENMEM_current_reservation      3 /* result: pages of the domain; arg: xen_memory_domain */
#define XENMEM_maximum_reservation      4 /* result: pages it may have */
#define XENMEM_machphys_mfn_list        5 /* frames of the machine-to-physical table, a 2 MiB piece each */
#define XENMEM_populate_physmap         6  /* in: pfns, out: mfns; also sets the M2P */
#define XENMEM_add_to_physmap           7  /* translated guests */
#define XENMEM_memory_map               9  /* memory map of the domain */
#define XENMEM_machine_memory_map       10 /* memory map of the machine; privileged */
#define XENMEM_exchange                 11 /* swap frames for others of another size or place */
#define XENMEM_machphys_mapping         12 /* where the M2P stands */
#define XENMEM_set_memory_map           13 /* privileged */
#define XENMEM_maximum_gpfn             14 /* result: highest pfn in use */
#define XENMEM_remove_from_physmap      15 /* translated guests */
#define XENMEM_set_pod_target           16 /* translated guests */
#define XENMEM_get_pod_target           17
#define XENMEM_add_to_physmap_batch     23
#define XENMEM_claim_pages              24 /* keep memory for a domain to be built; privileged */
#define XENMEM_machphys_compat_mfn_list 25 /* 32-bit guests */
#define XENMEM_get_vnumainfo            26
#define XENMEM_acquire_resource                                                                    \
    28 /* map pages that the hypervisor keeps for a domain; privileged */

struct xen_memory_reservation {
    u64 extent_start; /* address of u64[nr_extents]: frame numbers, or 0 */
    u64 nr_extents;
    u32 extent_order; /* an extent is 2^order pages, aligned to its size */
    u32 mem_flags;    /* XENMEMF_* */
    domid_t domid;
};
static_assert(sizeof(struct xen_memory_reservation) == 32, "ABI");
static_assert(offsetof(struct xen_memory_reservation, domid) == 24, "ABI");

#define XENMEMF_address_bits(x)     (x) /* frames that fit into so many bits of address; 0: any */
#define XENMEMF_get_address_bits(x) ((x)&0xffU)

struct xen_memory_exchange {
    struct xen_memory_reservation in;  /* mfns to give */
    struct xen_memory_reservation out; /* in: pfns, out: mfns received */
    u64 nr_exchanged;                  /* 0 at the call; out: extents of `in` that are gone */
};
static_assert(sizeof(struct xen_memory_exchange) == 72, "ABI");

struct xen_memory_domain {
    domid_t domid;
};

struct xen_machphys_mfn_list {
    u32 max_extents;  /* room in the array */
    u64 extent_start; /* address of u64[max_extents] */
    u32 nr_extents;   /* out: entries filled */
};
static_assert(sizeof(struct xen_machphys_mfn_list) == 24, "ABI");

struct xen_machphys_mapping {
    u64 v_start; /* out: virtual addresses */
    u64 v_end;
    u64 max_mfn; /* out: highest frame with an entry */
};
static_assert(sizeof(struct xen_machphys_mapping) == 24, "ABI");

struct xen_memory_map {
    u32 nr_entries; /* in: room; out: entries */
    u64 buffer;     /* address of packed {u64 addr, u64 size, u32 type}, as E820 has them */
};
static_assert(sizeof(struct xen_memory_map) == 16, "ABI");

struct xen_foreign_memory_map {
    domid_t domid;
    struct xen_memory_map map;
};
static_assert(sizeof(struct xen_foreign_memory_map) == 24, "ABI");

struct xen_mem_acquire_resource {
    domid_t domid;
    u16 type; /* XENMEM_resource_* */
    u32 id;
    u32 nr_frames; /* 0 and no list: asks for the size */
    u32 pad;
    u64 frame;      /* first one */
    u64 frame_list; /* address of u64[nr_frames] */
};
static_assert(sizeof(struct xen_mem_acquire_resource) == 32, "ABI");

#define XENMEM_resource_grant_table 1

/* An entry of a memory map; ours: the ABI says only "as the BIOS does". */
struct e820_entry {
    u64 addr; /* bytes */
    u64 size; /* bytes */
    u32 type; /* E820_* */
} PACKED;
static_assert(sizeof(struct e820_entry) == 20, "ABI");

#define E820_RAM      1
#define E820_RESERVED 2

#endif
