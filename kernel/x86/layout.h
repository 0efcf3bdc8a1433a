/*
 * The hypervisor's part of the address space: L4 slots 256..271 of every page-table tree, guests' included.
 *
 * The range is fixed by the Xen PV ABI (HYPERVISOR_VIRT_START/END in Xen's public arch-x86/xen-x86_64.h). The first slot holds the
 * machine-to-physical table, which guests read; all else is supervisor-only. Every slot's L3 is made once at boot and shared by all
 * L4s, so an L4 is fitted with the hypervisor by copying sixteen entries and never needs to be touched again.
 *
 * Plain numbers only: entry.asm and koan.lds use this file through the generated offsets.
 */
#ifndef KOAN_X86_LAYOUT_H
#define KOAN_X86_LAYOUT_H

#define HYP_L4_FIRST 256 /* first L4 slot of the hypervisor */
#define HYP_L4_LAST  271 /* last one, inclusive */
#define HYP_VA_START 0xffff800000000000UL
#define HYP_VA_END   0xffff880000000000UL /* first address after it */
#define HYP_VA_SHIFT 43                   /* the range is 1 << 43 bytes long and aligned to that */

#define M2P_VA         0xffff800000000000UL /* slot 256: u64 pfn per machine frame, read-only for guests */
#define FRAME_TABLE_VA 0xffff808000000000UL /* slot 257: struct frame per machine frame */
#define M2P_RW_VA                                                                                  \
    0xffff80c000000000UL /* same slot, upper half: M2P once more, for the hypervisor to write */
#define MMIO_VA   0xffff810000000000UL /* slot 258: device registers, uncached */
#define KOAN_VA   0xffff818000000000UL /* slot 259: the image, linked here */
#define STACKS_VA 0xffff818010000000UL /* slot 259: CPU_BLOCK_SIZE for each CPU, see x86/cpu.h */
#define DESC_VA                                                                                    \
    0xffff818020000000UL /* slot 259: DESC_WINDOW_SIZE for each CPU: the running vCPU's GDT, then its LDT */
#define DIRECTMAP_VA  0xffff830000000000UL /* slots 262..271: all RAM at its machine address */
#define DIRECTMAP_MAX 0x0000050000000000UL /* 5 TiB */

#define NR_CPUS 256

#define CPU_BLOCK_SHIFT  16
#define CPU_BLOCK_SIZE   (1UL << CPU_BLOCK_SHIFT) /* the stacks and the data of one CPU */
#define DESC_WINDOW_SIZE 0x20000UL                /* 16 pages of GDT, 16 pages of LDT */

#endif
