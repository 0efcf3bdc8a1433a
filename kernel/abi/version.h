/*
 * HYPERVISOR_xen_version(cmd, arg): who is there, and what it can do. Source: Xen's public version.h and features.h.
 */
#ifndef KOAN_ABI_VERSION_H
#define KOAN_ABI_VERSION_H

#include "lib/types.h"

#define XENVER_version             0  /* no argument; result: major << 16 | minor */
#define XENVER_extraversion        1  /* char[16] */
#define XENVER_compile_info        2  /* struct xen_compile_info */
#define XENVER_capabilities        3  /* char[1024]: "xen-3.0-x86_64" among others */
#define XENVER_changeset           4  /* char[64] */
#define XENVER_platform_parameters 5  /* struct xen_platform_parameters */
#define XENVER_get_features        6  /* struct xen_feature_info */
#define XENVER_pagesize            7  /* no argument; result: 4096 */
#define XENVER_guest_handle        8  /* xen_domain_handle_t */
#define XENVER_commandline         9  /* char[1024]: of the hypervisor; privileged */
#define XENVER_build_id            10 /* result: bytes of the id */

typedef char xen_extraversion_t[16];
typedef char xen_capabilities_info_t[1024];
typedef char xen_changeset_info_t[64];
typedef char xen_commandline_t[1024];

struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};
static_assert(sizeof(struct xen_compile_info) == 144, "ABI");

struct xen_platform_parameters {
    u64 virt_start; /* first address of the hypervisor's range */
};

struct xen_feature_info {
    u32 submap_idx; /* in: which 32 features; only 0 exists */
    u32 submap;     /* out: bit n is feature 32 idx + n */
};
static_assert(sizeof(struct xen_feature_info) == 8, "ABI");

/* Features. What a 64-bit PV guest gets: 4, 5, 6, 7, 13 and 17; a privileged one 11 as well. */
#define XENFEAT_writable_page_tables       0 /* no validation: plain stores to tables */
#define XENFEAT_writable_descriptor_tables 1
#define XENFEAT_auto_translated_physmap    2 /* guest frames, not machine frames, in tables */
#define XENFEAT_supervisor_mode_kernel     3 /* guest kernel in ring 0 */
#define XENFEAT_pae_pgdir_above_4gb        4
#define XENFEAT_mmu_pt_update_preserve_ad  5 /* MMU_PT_UPDATE_PRESERVE_AD is there */
#define XENFEAT_highmem_assist             6 /* MMUEXT_CLEAR_PAGE and COPY_PAGE are there */
#define XENFEAT_gnttab_map_avail_bits      7 /* grants can carry the guest's own bits in the entry */
#define XENFEAT_hvm_callback_vector        8
#define XENFEAT_hvm_safe_pvclock           9
#define XENFEAT_hvm_pirqs                  10
#define XENFEAT_dom0                       11 /* the hardware domain */
#define XENFEAT_memory_op_vnode_supported  13
#define XENFEAT_linux_rsdp_unrestricted    15
#define XENFEAT_not_direct_mapped          16
#define XENFEAT_direct_mapped              17
#define XENFEAT_NR_SUBMAPS                 1

#endif
