/*
 * Frames and page tables, see memory.h.
 *
 * What the builder has mapped ends at a multiple of 4 MiB, at least 512 KiB behind the boot stack; the rest of the domain's
 * frames is mapped nowhere. page_alloc uses up the first part and then maps more, a page at a time.
 */
#include "memory.h"
#include "vcpu.h"

static u64 next_mapped;   /* pfn: from here to mapped_end, free and mapped */
static u64 mapped_end;    /* pfn */
static u64 next_unmapped; /* pfn: from here to nr_pages, free and mapped nowhere */

u64 *pte_walk(u64 root, u64 va, int level)
{
    u64 table = root;

    for (int at = 4;; at--) {
        u64 *entry = (u64 *)pfn_va(mfn_pfn(table)) + (va >> (PAGE_SHIFT + 9 * (at - 1)) & 511);

        if (at == level)
            return entry;
        if (!(*entry & PTE_P))
            return NULL;
        table = pte_mfn(*entry);
    }
}

u64 *pte_of(u64 va, int level)
{
    return pte_walk(current_l4(), va, level);
}

static bool is_mapped(u64 va)
{
    u64 *pte = pte_of(va, 1);

    return pte && (*pte & PTE_P);
}

/* The order of the parts is the ABI's: image, mfn_list, start_info, rings, page tables, boot stack, padding. */
void memory_init(void)
{
    next_mapped = va_pfn((void *)start_info->pt_base) + start_info->nr_pt_frames + 1;
    for (mapped_end = next_mapped; mapped_end < start_info->nr_pages; mapped_end++)
        if (!is_mapped((u64)pfn_va(mapped_end)))
            break;
    next_unmapped = mapped_end;
}

u64 pages_left(void)
{
    return mapped_end - next_mapped + start_info->nr_pages - next_unmapped;
}

u64 pfn_alloc(void)
{
    if (next_unmapped < start_info->nr_pages)
        return next_unmapped++;
    if (next_mapped == mapped_end)
        guest_panic("out of memory: %lu pages", (unsigned long)start_info->nr_pages);
    page_unmap(pfn_va(next_mapped));
    return next_mapped++;
}

/* Keep a few mapped pages back: map() needs some to make tables of. */
void *page_alloc(void)
{
    static bool mapping;
    u64 pfn;

    if (mapping || mapped_end - next_mapped > 8 || next_unmapped == start_info->nr_pages) {
        if (next_mapped == mapped_end)
            guest_panic("out of memory: %lu pages", (unsigned long)start_info->nr_pages);
        pfn = next_mapped++;
    } else {
        pfn = next_unmapped++;
        mapping = true;
        map((u64)pfn_va(pfn), pfn_mfn(pfn), PTE_RW_PAGE);
        mapping = false;
    }
    return memset(pfn_va(pfn), 0, PAGE_SIZE);
}

u64 current_l4(void)
{
    u64 mfn = vcpu_own()->l4_mfn;

    return mfn ? mfn : ptr_mfn((void *)start_info->pt_base);
}

s64 mmu_update_one(u64 ptr, u64 value)
{
    struct mmu_update update = { .ptr = ptr, .val = value };

    return mmu_update(&update, 1, NULL, DOMID_SELF);
}

s64 pte_write(const u64 *entry, u64 value)
{
    return mmu_update_one(ptr_maddr(entry) | MMU_NORMAL_PT_UPDATE, value);
}

s64 mmuext_one(u32 cmd, u64 mfn)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

    return mmuext_op(&op, 1, NULL, DOMID_SELF);
}

s64 switch_l4(u64 mfn)
{
    s64 rc = mmuext_one(MMUEXT_NEW_BASEPTR, mfn);

    if (rc == 0)
        vcpu_own()->l4_mfn = mfn;
    return rc;
}

static void remap(void *va, u64 flags)
{
    s64 rc = update_va_mapping((u64)va, flags ? pte_make(ptr_mfn(va), flags) : 0, UVMF_INVLPG);

    if (rc)
        guest_panic("page %p cannot be mapped with flags %#lx: %ld", va, (unsigned long)flags,
                    (long)rc);
}

void page_readonly(void *va)
{
    remap(va, PTE_RO_PAGE);
}

void page_writable(void *va)
{
    remap(va, PTE_RW_PAGE);
}

void page_unmap(void *va)
{
    remap(va, 0);
}

u64 *table_alloc(void)
{
    u64 *table = page_alloc();

    page_readonly(table);
    return table;
}

void map_in(u64 root, u64 va, u64 mfn, u64 flags)
{
    for (int level = 4; level >= 1; level--) {
        u64 *entry = pte_walk(root, va, level);
        u64 value = pte_make(mfn, flags);

        if (level > 1 && (*entry & PTE_P))
            continue;
        if (level > 1)
            value = pte_make(ptr_mfn(table_alloc()), PTE_TABLE);
        s64 rc = pte_write(entry, value);
        if (rc)
            guest_panic("level %d entry for %#lx refused: %ld", level, (unsigned long)va, (long)rc);
    }
}

void map(u64 va, u64 mfn, u64 flags)
{
    map_in(current_l4(), va, mfn, flags);
    struct mmuext_op op = { .cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = va };
    mmuext_op(&op, 1, NULL, DOMID_SELF);
}
