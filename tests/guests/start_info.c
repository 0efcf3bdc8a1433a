/*
 * What the domain builder promises: start_info, and the order and the mapping of what it has put into memory.
 *
 * Image, frame list, start_info, (store and console rings,) page tables, boot stack, at least 512 KiB of padding, up to a multiple of
 * 4 MiB; all mapped writable but the page tables. The machine-to-physical table is right. Source: the checklist, sections 1.2, 1.3.
 */
#include "test.h"

extern u8 image_start[], image_end[];

static u64 entry_of(u64 va)
{
    u64 *entry = pte_of(va, 1);

    return entry ? *entry : 0;
}

TEST
{
    const struct start_info *si = start_info;
    u64 stack = si->pt_base + si->nr_pt_frames * PAGE_SIZE, end = stack + PAGE_SIZE, tables = 0;

    CHECK(strcmp(si->magic, "xen-3.0-x86_64") == 0);
    CHECK(si->nr_pages >= 1024);
    CHECK_EQ(si->shared_info & ~PAGE_MASK, 0);
    CHECK_EQ(si->mod_len, 0);
    CHECK(strnlen((const char *)si->cmd_line, MAX_GUEST_CMDLINE) < MAX_GUEST_CMDLINE);
    CHECK(!!(si->flags & SIF_INITDOMAIN) == guest_is_privileged());
    CHECK((u64)image_end <= si->mfn_list && si->mfn_list < (u64)si && (u64)si < si->pt_base);
    CHECK_EQ(si->pt_base & ~PAGE_MASK, 0);

    while (entry_of(end) & PTE_P)
        end += PAGE_SIZE;
    CHECK_EQ(end % MIB(4), 0);
    CHECK(end - stack - PAGE_SIZE >= KIB(512));
    for (u64 va = (u64)image_start; va < end; va += PAGE_SIZE) {
        bool table = va >= si->pt_base && va < stack;

        if (va == (u64)shared_info || va == ((u64)&test_result & PAGE_MASK))
            continue;
        CHECK_EQ(pte_mfn(entry_of(va)), pfn_mfn(va_pfn((void *)va)));
        CHECK_EQ(!!(entry_of(va) & PTE_RW), !table);
        CHECK(!(entry_of(va) & PTE_NX));
        tables += table;
    }
    CHECK_EQ(tables, si->nr_pt_frames);
    CHECK_EQ(pte_mfn(*pte_of((u64)image_start, 4)) != 0, true);
    CHECK_RC(mmuext_one(MMUEXT_PIN_L4_TABLE, current_l4()), -XEN_EINVAL); /* it is pinned */
    if (!guest_is_privileged()) {
        CHECK_EQ(si->flags & ~(u32)SIF_VIRT_P2M_4TOOLS, 0);
        CHECK(mfn_pfn(si->store_mfn) < si->nr_pages &&
              mfn_pfn(si->console.domU.mfn) < si->nr_pages);
    }
}
