/*
 * What a guest image says about itself: Xen's ELF notes, or the string section `__xen_guest` of older kernels.
 *
 * Notes are looked for in PT_NOTE segments, then in SHT_NOTE sections, then (only where no Xen note was
 * found at all) in `__xen_guest`. The result is checked as a whole; what can't be started here is refused.
 *
 * Source: abi/elfnote.h for the notes; abi/version.h for the numbers of features.
 */
#ifndef KOAN_LIB_XENNOTE_H
#define KOAN_LIB_XENNOTE_H

#include "abi/elfnote.h"
#include "lib/elf.h"
#include "lib/problem.h"
#include "lib/types.h"

enum xen_image_source { XEN_IMAGE_SEGMENT_NOTES, XEN_IMAGE_SECTION_NOTES, XEN_IMAGE_LEGACY };

struct xen_image {
    enum xen_image_source source;
    u32 present; /* BIT(XEN_ELFNOTE_*) for each note that was there: see xen_image_has */

    /* Addresses, with the defaults of absent notes filled in. */
    u64 virt_base;      /* VA of pseudo-physical page 0; default 0 */
    u64 paddr_offset;   /* what p_paddr counts from; default 0 (legacy images: virt_base) */
    u64 entry;          /* default: the ELF header's entry */
    u64 hypercall_page; /* VA; only if present */
    u64 init_p2m;       /* VA of the p2m list; only if present */
    u64 hv_start_low;   /* only if present */
    u64 phys32_entry;   /* of no use for PV; only if present */
    bool mod_start_pfn; /* the ramdisk is passed by frame number and needn't be mapped */

    u32 features_required;  /* BIT(XENFEAT_*) */
    u32 features_supported; /* those required included */

    char guest_os[32], guest_version[32], xen_version[32], loader[32];

    /* Where the segments lie, as virtual addresses of the initial mapping. */
    u64 virt_start, virt_end;
};

static inline bool xen_image_has(const struct xen_image *image, unsigned note)
{
    return image->present >> note & 1;
}

/* Reads and checks. On success the image has every address in the range that it claims. */
bool xen_image_read(struct xen_image *image, const struct elf *elf, struct problem *problem);

/* Where a segment goes, in bytes from VIRT_BASE. p_vaddr is never looked at: Linux has one that is 0. */
static inline u64 xen_image_offset(const struct xen_image *image, u64 paddr)
{
    return paddr - image->paddr_offset;
}

#endif
