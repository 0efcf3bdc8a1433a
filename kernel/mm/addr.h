/*
 * Addresses as types: a machine frame number and a guest's (pseudo-physical) frame number are different structs, so that mixing
 * them up does not compile. Plus page-table entries (SDM vol. 3, 4.5) and the way to a frame's bytes.
 */
#ifndef KOAN_MM_ADDR_H
#define KOAN_MM_ADDR_H

#include "lib/types.h"
#include "x86/layout.h"

typedef struct {
    u64 n;
} mfn_t; /* machine frame number */

typedef struct {
    u64 n;
} pfn_t; /* a domain's own frame number; the hypervisor only passes it through */

#define MFN(x)      ((mfn_t){ (x) })
#define PFN(x)      ((pfn_t){ (x) })
#define INVALID_MFN MFN(~0UL)
#define INVALID_M2P (~0UL)

typedef u64 pte_t; /* an entry of any level */

#define PTE_P   BIT(0)
#define PTE_RW  BIT(1)
#define PTE_U   BIT(2)
#define PTE_PWT BIT(3)
#define PTE_PCD BIT(4)
#define PTE_A   BIT(5)
#define PTE_D   BIT(6)
#define PTE_PSE BIT(7) /* in L2, L3: a superpage; in L1: PAT */
#define PTE_PAT BIT(7)
#define PTE_G   BIT(8)
#define PTE_GUEST_KERNEL                                                                           \
    BIT(52) /* software: the guest kernel's page (its own U was clear), as Xen marks it */
#define PTE_NX         BIT(63)
#define PTE_ADDR       0x000ffffffffff000UL
#define PTES_PER_TABLE 512

static inline mfn_t pte_mfn(pte_t e)
{
    return MFN((e & PTE_ADDR) >> PAGE_SHIFT);
}

static inline pte_t pte_make(mfn_t mfn, u64 flags)
{
    return (mfn.n << PAGE_SHIFT) | flags;
}

static inline unsigned int pt_index(u64 va, unsigned int level) /* level 1..4 */
{
    return (va >> (PAGE_SHIFT + 9 * (level - 1))) & (PTES_PER_TABLE - 1);
}

#ifdef KOAN_HOST
extern u8 *host_memory; /* the unit tests' machine memory */
#define mfn_to_virt(mfn) ((void *)(host_memory + ((mfn).n << PAGE_SHIFT)))
#define virt_to_mfn(p)   MFN((u64)((const u8 *)(p)-host_memory) >> PAGE_SHIFT)
#else
#define mfn_to_virt(mfn) ((void *)(DIRECTMAP_VA + ((mfn).n << PAGE_SHIFT)))
static inline mfn_t virt_to_mfn(const void *p) /* direct map only */
{
    return MFN(((u64)p - DIRECTMAP_VA) >> PAGE_SHIFT);
}
#endif

/* Does the CPU take it for an address at all? */
static inline bool is_canonical(u64 va)
{
    return (u64)((s64)(va << 16) >> 16) == va;
}

/* Is this an address that a guest may use: canonical and outside the hypervisor's range? len must be below 2^46. */
static inline bool guest_range_ok(u64 va, u64 len)
{
    u64 end = va + len;

    return (va < 0x0000800000000000UL && end <= 0x0000800000000000UL) ||
           (va >= HYP_VA_END && (end >= va || end == 0));
}

#endif
