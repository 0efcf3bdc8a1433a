/*
 * HYPERVISOR_grant_table_op(cmd, args, count): lend frames to another domain. Version 1 of the table: an array of 8-byte
 * entries in frames that the hypervisor gives; the index of an entry is the grant reference. Source: Xen's public
 * grant_table.h.
 */
#ifndef KOAN_ABI_GRANT_TABLE_H
#define KOAN_ABI_GRANT_TABLE_H

#include "abi/xen.h"

typedef u32 grant_ref_t;
typedef u32 grant_handle_t;

#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_dump_table        3
#define GNTTABOP_transfer          4
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version       8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12

#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* An entry. The guest writes flags last; the hypervisor sets the two "in use" bits. */
struct grant_entry_v1 {
    u16 flags; /* GTF_* */
    domid_t domid;
    u32 frame; /* mfn */
};
static_assert(sizeof(struct grant_entry_v1) == 8, "ABI");

#define GTF_invalid         0x00U
#define GTF_permit_access   0x01U
#define GTF_accept_transfer 0x02U
#define GTF_type_mask       0x03U
#define GTF_readonly        0x04U
#define GTF_reading         0x08U /* mapped for reading */
#define GTF_writing         0x10U /* mapped for writing */

struct gnttab_map_grant_ref {
    u64 host_addr; /* where to: virtual address, or machine address of an entry with GNTMAP_contains_pte */
    u32 flags; /* GNTMAP_* */
    grant_ref_t ref;
    domid_t dom;           /* who lends */
    s16 status;            /* out: GNTST_* */
    grant_handle_t handle; /* out: names the mapping */
    u64 dev_bus_addr;      /* out: machine address */
};
static_assert(sizeof(struct gnttab_map_grant_ref) == 32, "ABI");
static_assert(offsetof(struct gnttab_map_grant_ref, status) == 18, "ABI");

#define GNTMAP_device_map      0x01
#define GNTMAP_host_map        0x02
#define GNTMAP_readonly        0x04
#define GNTMAP_application_map 0x08
#define GNTMAP_contains_pte    0x10
#define GNTMAP_guest_avail_mask                                                                    \
    (~0U << 16) /* these go into the entry's bits for software: 9-11, then 52-62 */

struct gnttab_unmap_grant_ref {
    u64 host_addr;
    u64 dev_bus_addr;
    grant_handle_t handle;
    s16 status; /* out */
};
static_assert(sizeof(struct gnttab_unmap_grant_ref) == 24, "ABI");

struct gnttab_setup_table {
    domid_t dom;
    u32 nr_frames;
    s16 status;     /* out */
    u64 frame_list; /* address of u64[nr_frames], filled with mfns */
};
static_assert(sizeof(struct gnttab_setup_table) == 24, "ABI");

struct gnttab_dump_table {
    domid_t dom;
    s16 status; /* out */
};
static_assert(sizeof(struct gnttab_dump_table) == 4, "ABI");

struct gnttab_copy {
    struct gnttab_copy_ptr {
        union {
            grant_ref_t ref; /* with GNTCOPY_*_gref */
            u64 gmfn;
        } u;
        domid_t domid;
        u16 offset; /* bytes in the frame */
    } source, dest;
    u16 len;    /* bytes; must not leave either frame */
    u16 flags;  /* GNTCOPY_* */
    s16 status; /* out */
};
static_assert(sizeof(struct gnttab_copy) == 40, "ABI");

#define GNTCOPY_source_gref 0x1
#define GNTCOPY_dest_gref   0x2

struct gnttab_query_size {
    domid_t dom;
    u32 nr_frames;     /* out */
    u32 max_nr_frames; /* out */
    s16 status;        /* out */
};
static_assert(sizeof(struct gnttab_query_size) == 16, "ABI");

struct gnttab_unmap_and_replace {
    u64 host_addr;
    u64 new_addr;
    grant_handle_t handle;
    s16 status; /* out */
};
static_assert(sizeof(struct gnttab_unmap_and_replace) == 24, "ABI");

struct gnttab_set_version {
    u32 version; /* in and out */
};

struct gnttab_get_version {
    domid_t dom;
    u16 pad;
    u32 version; /* out */
};
static_assert(sizeof(struct gnttab_get_version) == 8, "ABI");

struct gnttab_swap_grant_ref {
    grant_ref_t ref_a;
    grant_ref_t ref_b;
    s16 status; /* out */
};
static_assert(sizeof(struct gnttab_swap_grant_ref) == 12, "ABI");

/* Status of one entry of a call. */
#define GNTST_okay              0
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_bad_dev_addr      (-6)
#define GNTST_no_device_space   (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10)
#define GNTST_address_too_big   (-11)
#define GNTST_eagain            (-12)
#define GNTST_no_space          (-13)

#endif
