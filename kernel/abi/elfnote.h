/*
 * ELF notes by which a kernel image tells the domain builder how it wants to be loaded: notes of owner "Xen", in a section
 * or segment of type PT_NOTE. Numbers are 4 or 8 bytes, strings end with NUL. Source: Xen's public elfnote.h.
 */
#ifndef KOAN_ABI_ELFNOTE_H
#define KOAN_ABI_ELFNOTE_H

#define XEN_ELFNOTE_INFO               0
#define XEN_ELFNOTE_ENTRY              1 /* number: address of the first instruction */
#define XEN_ELFNOTE_HYPERCALL_PAGE     2 /* number: address of the page to fill with call stubs */
#define XEN_ELFNOTE_VIRT_BASE          3 /* number: address at which pfn 0 is mapped */
#define XEN_ELFNOTE_PADDR_OFFSET       4 /* number: p_paddr of what goes to VIRT_BASE */
#define XEN_ELFNOTE_XEN_VERSION        5 /* string: "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS           6 /* string */
#define XEN_ELFNOTE_GUEST_VERSION      7 /* string */
#define XEN_ELFNOTE_LOADER             8 /* string: "generic" */
#define XEN_ELFNOTE_PAE_MODE           9 /* string: "yes"; 32-bit only */
#define XEN_ELFNOTE_FEATURES           10 /* string: names, '|' between them, '!' before one needed */
#define XEN_ELFNOTE_BSD_SYMTAB         11 /* string: "yes": load the symbol table too */
#define XEN_ELFNOTE_HV_START_LOW       12 /* number: lowest address the hypervisor may take */
#define XEN_ELFNOTE_L1_MFN_VALID       13 /* pairs of numbers, mask and value: a present entry */
#define XEN_ELFNOTE_SUSPEND_CANCEL     14 /* number */
#define XEN_ELFNOTE_INIT_P2M           15 /* number: address for the list of frames */
#define XEN_ELFNOTE_MOD_START_PFN      16 /* number: 1: the ramdisk need not be mapped */
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17 /* number: bit n: feature n can be used */
#define XEN_ELFNOTE_PHYS32_ENTRY       18 /* number: PVH entry; of no use here */
#define XEN_ELFNOTE_MAX                18

#endif
