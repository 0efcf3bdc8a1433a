/*
 * The questions of memory_op: what the machine and the domain have.
 *
 * Where the machine-to-physical table stands and in which frames, the highest frame, the domain's memory map. A list that is too short
 * is filled as far as it goes. Source: memory.h; the checklist, section 3.
 */
#include "test.h"

TEST
{
    struct xen_memory_domain self = { .domid = DOMID_SELF };
    static u64 frames[64];
    struct xen_machphys_mfn_list list = { .max_extents = 64, .extent_start = (u64)frames };
    static struct e820_entry entries[128];
    struct xen_memory_map memory = { .nr_entries = 128, .buffer = (u64)entries };
    s64 highest = memory_op(XENMEM_maximum_ram_page, NULL);

    CHECK(highest > 0);
    for (u64 pfn = 0; pfn < start_info->nr_pages; pfn++)
        CHECK((s64)pfn_mfn(pfn) <= highest);

    CHECK_RC(memory_op(XENMEM_machphys_mfn_list, &list), 0);
    CHECK(list.nr_extents >= 1 && list.nr_extents <= 64);
    CHECK(frames[0] != 0);
    list.max_extents = 0;
    CHECK_RC(memory_op(XENMEM_machphys_mfn_list, &list), 0);
    CHECK_EQ(list.nr_extents, 0);

    shared_info->arch.max_pfn = start_info->nr_pages;
    CHECK_RC(memory_op(XENMEM_maximum_gpfn, &self), start_info->nr_pages - 1);

    /* An unprivileged domain may have no map; where there is one it makes sense. */
    s64 rc = memory_op(XENMEM_memory_map, &memory);
    CHECK(rc == 0 || rc == -XEN_ENOSYS);
    for (u32 i = 0; rc == 0 && i < memory.nr_entries; i++)
        CHECK(entries[i].size > 0 && entries[i].type >= E820_RAM);
    CHECK_REFUSED(memory_op(XENMEM_machphys_mapping, NULL));
    CHECK_REFUSED(memory_op(XENMEM_machphys_mfn_list, (void *)0x123456789000));
}
