/*
 * Arguments of the calls that change address spaces: mmu_update, mmuext_op, update_va_mapping(_otherdomain).
 *
 * Page tables are the guest's own frames, read-only to it; these calls are how it changes them. Source: Xen's public xen.h.
 */
#ifndef KOAN_ABI_MMU_H
#define KOAN_ABI_MMU_H

#include "lib/types.h"

/*
 * HYPERVISOR_mmu_update(reqs, count, done_out, domid): entries are stored in order; the first that fails ends the call and
 * done_out (if not null) tells how many were done. domid: low half, owner of the frames mapped; high half, if not 0, owner
 * of the tables plus one.
 */
struct mmu_update {
    u64 ptr; /* machine address of the entry; the two low bits are the command */
    u64 val; /* new entry, or a pfn for MMU_MACHPHYS_UPDATE */
};
static_assert(sizeof(struct mmu_update) == 16, "ABI");

#define MMU_NORMAL_PT_UPDATE 0 /* *ptr = val */
#define MMU_MACHPHYS_UPDATE  1 /* ptr: any address in a frame; its entry in the M2P = val */
#define MMU_PT_UPDATE_PRESERVE_AD                                                                  \
    2 /* *ptr = val, with the accessed and dirty bits that are there */
#define MMU_PT_UPDATE_NO_TRANSLATE 3 /* as 0: for translated guests */

/* HYPERVISOR_mmuext_op(ops, count, done_out, domid): entries like above; domid owns the frames. */
struct mmuext_op {
    u32 cmd; /* MMUEXT_* */
    union {
        u64 mfn;         /* pin, unpin, base pointers, CLEAR_PAGE and COPY_PAGE (to) */
        u64 linear_addr; /* INVLPG_*, SET_LDT */
    } arg1;
    union {
        u32 nr_ents;  /* SET_LDT: entries */
        u64 vcpumask; /* *_MULTI: address of a bitmap of vCPUs */
        u64 src_mfn;  /* COPY_PAGE (from) */
    } arg2;
};
static_assert(sizeof(struct mmuext_op) == 24, "ABI");
static_assert(offsetof(struct mmuext_op, arg1) == 8, "ABI");
static_assert(offsetof(struct mmuext_op, arg2) == 16, "ABI");

#define MMUEXT_PIN_L1_TABLE       0 /* validate mfn as an L1 table and keep it so */
#define MMUEXT_PIN_L2_TABLE       1
#define MMUEXT_PIN_L3_TABLE       2
#define MMUEXT_PIN_L4_TABLE       3
#define MMUEXT_UNPIN_TABLE        4 /* give up what a pin took */
#define MMUEXT_NEW_BASEPTR        5 /* cr3 of the guest kernel */
#define MMUEXT_TLB_FLUSH_LOCAL    6 /* this vCPU */
#define MMUEXT_INVLPG_LOCAL       7 /* one address on this vCPU */
#define MMUEXT_TLB_FLUSH_MULTI    8 /* the vCPUs of a mask */
#define MMUEXT_INVLPG_MULTI       9
#define MMUEXT_TLB_FLUSH_ALL      10 /* all vCPUs of the domain */
#define MMUEXT_INVLPG_ALL         11
#define MMUEXT_FLUSH_CACHE        12 /* only for domains with devices */
#define MMUEXT_SET_LDT            13 /* nr_ents 0: none */
#define MMUEXT_NEW_USER_BASEPTR   15 /* cr3 of guest user mode; 0: none */
#define MMUEXT_CLEAR_PAGE         16 /* zero a frame that is not mapped */
#define MMUEXT_COPY_PAGE          17
#define MMUEXT_FLUSH_CACHE_GLOBAL 18
#define MMUEXT_MARK_SUPER         19
#define MMUEXT_UNMARK_SUPER       20

/*
 * HYPERVISOR_update_va_mapping(va, entry, flags): store the L1 entry that maps va. The flags say what to flush, and where;
 * anything but these in the upper bits is the address of a bitmap of vCPUs.
 */
#define UVMF_NONE           0x0UL /* what: nothing */
#define UVMF_TLB_FLUSH      0x1UL /* the whole TLB */
#define UVMF_INVLPG         0x2UL /* this address */
#define UVMF_FLUSHTYPE_MASK 0x3UL
#define UVMF_MULTI          0x0UL /* where: vCPUs of the mask whose address is or-ed in */
#define UVMF_LOCAL          0x0UL /* this vCPU */
#define UVMF_ALL            0x4UL /* all vCPUs of the domain */

#endif
