/*
 * Memory of a guest and its page tables.
 *
 * Three kinds of number: va, an address; pfn, a frame in the guest's own count; mfn, a frame of the machine, which is what page
 * tables hold. The builder maps pfn n at VIRT_BASE + n pages, and this runtime keeps to that for all memory it hands out, so va
 * and pfn convert by arithmetic; pfn and mfn by two tables, one of the domain (mfn_list) and one of the hypervisor (M2P).
 *
 * The guest reads its tables where they lie, but changes them only through hypercalls.
 */
#ifndef GUEST_MEMORY_H
#define GUEST_MEMORY_H

#include "guest.h"

#define VIRT_BASE 0xffffffff80000000UL

/* Bits of a page-table entry. */
#define PTE_P            BIT(0) /* present */
#define PTE_RW           BIT(1) /* writable */
#define PTE_US           BIT(2) /* user: everything of a guest is, as its kernel runs in ring 3 */
#define PTE_PWT          BIT(3)
#define PTE_PCD          BIT(4)
#define PTE_A            BIT(5)  /* accessed */
#define PTE_D            BIT(6)  /* dirty */
#define PTE_PSE          BIT(7)  /* L2, L3: a large page */
#define PTE_PAT          BIT(7)  /* L1 */
#define PTE_G            BIT(8)  /* L1: global */
#define PTE_AVAIL        BIT(9)  /* the first bit that is free for software */
#define PTE_GUEST_KERNEL BIT(52) /* set by the hypervisor: the guest left U out */
#define PTE_NX           BIT(63) /* no execution */

#define PTE_RO_PAGE (PTE_P | PTE_US | PTE_A)
#define PTE_RW_PAGE (PTE_P | PTE_US | PTE_A | PTE_RW)
#define PTE_TABLE   (PTE_P | PTE_US | PTE_A | PTE_RW)

#define PTE_ADDRESS 0x000ffffffffff000UL

static inline u64 pte_mfn(u64 pte)
{
    return (pte & PTE_ADDRESS) >> PAGE_SHIFT;
}

static inline u64 pte_make(u64 mfn, u64 flags)
{
    return mfn << PAGE_SHIFT | flags;
}

/* Conversions. ptr_maddr gives the machine address of any byte of the guest's memory. */
static inline void *pfn_va(u64 pfn)
{
    return (void *)(VIRT_BASE + (pfn << PAGE_SHIFT));
}

static inline u64 va_pfn(const void *va)
{
    return ((u64)va - VIRT_BASE) >> PAGE_SHIFT;
}

static inline u64 pfn_mfn(u64 pfn)
{
    return ((const u64 *)start_info->mfn_list)[pfn];
}

static inline u64 mfn_pfn(u64 mfn)
{
    return ((const u64 *)MACH2PHYS_VIRT_START)[mfn];
}

static inline u64 ptr_mfn(const void *va)
{
    return pfn_mfn(va_pfn(va));
}

static inline u64 ptr_maddr(const void *va)
{
    return (ptr_mfn(va) << PAGE_SHIFT) | ((u64)va & ~PAGE_MASK);
}

/* Called by the start code. */
void memory_init(void);

/*
 * Pages: zeroed, mapped writable. There is no free: a guest's life is short. pfn_alloc gives a frame that is mapped nowhere.
 * Both panic when memory is used up; pages_left tells.
 */
void *page_alloc(void);
u64 pfn_alloc(void);
u64 pages_left(void);

/* Machine frame of the L4 that the guest kernel runs on, on the vCPU that asks. */
u64 current_l4(void);
s64 switch_l4(u64 mfn);

/*
 * The entry for va in the table of that level (4..1) below the L4 at l4_mfn, to read; NULL where no table is. pte_of looks in the
 * current address space.
 */
u64 *pte_walk(u64 l4_mfn, u64 va, int level);
u64 *pte_of(u64 va, int level);

/* Store one entry, by mmu_update; the answer is the hypercall's. */
s64 pte_write(const u64 *entry, u64 value);
s64 mmu_update_one(u64 ptr, u64 value);

/* One operation of mmuext_op on a frame. */
s64 mmuext_one(u32 cmd, u64 mfn);

/* Map a page of the initial mapping read-only, writable, or not at all; panics if refused. */
void page_readonly(void *va);
void page_writable(void *va);
void page_unmap(void *va);

/* A zeroed page that is mapped read-only, fit to become a table or a page of descriptors. */
u64 *table_alloc(void);

/* Make tables down to the L1 that maps va, below the L4 at l4_mfn, and map mfn there. Panics if refused. */
void map_in(u64 l4_mfn, u64 va, u64 mfn, u64 flags);
void map(u64 va, u64 mfn, u64 flags);

/* A place where nothing is mapped and tests may: low addresses. */
#define SCRATCH_VA 0x0000000040000000UL

#endif
