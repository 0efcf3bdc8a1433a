/*
 * Ballooning as Linux's driver does it: pages are unmapped by a multicall, given up in one list, later fetched again for the same pfns in
 * one list, entered in the p2m list and mapped. What comes back holds nobody's data, and a domain gets no more than its reservation.
 *
 * Linux asks for the maximum reservation, and for a memory map, which a domain has only if its builder set one, or itself. Source: drivers' use of
 * XENMEM_decrease_reservation and XENMEM_populate_physmap; memory.h.
 */
#include "test.h"

#define PAGES 64

static u64 pfns[PAGES], list[PAGES];

static s64 reservation(u32 cmd, u64 n)
{
    struct xen_memory_reservation r = { .extent_start = (u64)list,
                                        .nr_extents = n,
                                        .domid = DOMID_SELF };

    return memory_op(cmd, &r);
}

static s64 ask(u32 cmd)
{
    struct xen_memory_domain self = { .domid = DOMID_SELF };

    return memory_op(cmd, &self);
}

/* All mappings at once; flags 0: none. */
static void map_all(u64 flags)
{
    static struct multicall_entry calls[PAGES];

    for (u64 i = 0; i < PAGES; i++)
        calls[i] = (struct multicall_entry){
            .op = __HYPERVISOR_update_va_mapping,
            .args = { (u64)pfn_va(pfns[i]), flags ? pte_make(pfn_mfn(pfns[i]), flags) : 0,
                      i + 1 < PAGES ? UVMF_NONE : UVMF_TLB_FLUSH | UVMF_ALL }
        };
    CHECK_RC(multicall(calls, PAGES), 0);
    for (u64 i = 0; i < PAGES; i++)
        CHECK_RC((s64)calls[i].result, 0);
}

static void down(void)
{
    s64 before = ask(XENMEM_current_reservation);

    map_all(0);
    for (u64 i = 0; i < PAGES; i++) {
        list[i] = pfn_mfn(pfns[i]);
        ((u64 *)start_info->mfn_list)[pfns[i]] = ~0UL;
    }
    CHECK_RC(reservation(XENMEM_decrease_reservation, PAGES), PAGES);
    CHECK_RC(ask(XENMEM_current_reservation), before - PAGES);
    /* A frame that is gone can't be given up again, and what stands behind it stays. */
    CHECK_RC(reservation(XENMEM_decrease_reservation, PAGES), 0);
    CHECK_RC(ask(XENMEM_current_reservation), before - PAGES);
}

static void up(void)
{
    s64 before = ask(XENMEM_current_reservation);

    memcpy(list, pfns, sizeof(list));
    CHECK_RC(reservation(XENMEM_populate_physmap, PAGES), PAGES);
    CHECK_RC(ask(XENMEM_current_reservation), before + PAGES);
    for (u64 i = 0; i < PAGES; i++) {
        CHECK_EQ(mfn_pfn(list[i]), pfns[i]);
        ((u64 *)start_info->mfn_list)[pfns[i]] = list[i];
    }
    map_all(PTE_RW_PAGE);
    for (u64 i = 0; i < PAGES; i++) {
        u64 *page = pfn_va(pfns[i]);

        /* Zero, or what the domain itself has left there: Xen scrubs only what goes to another domain. */
        for (u64 k = 0; k < PAGE_SIZE / 8; k++)
            CHECK(page[k] < PAGES || page[k] - 0x6e616f4b6e616f4b < PAGES);
        page[i] = i;
    }
}

/* The rest of the reservation, and one page more. A dom0 on Xen has no limit that it could reach here. */
static void to_the_limit(void)
{
    if (guest_is_privileged())
        return;
    s64 most = ask(XENMEM_maximum_reservation), now = ask(XENMEM_current_reservation);

    CHECK(most >= now);
    if (most - now >= PAGES)
        return;
    for (u64 i = 0; i < PAGES; i++)
        list[i] = start_info->nr_pages + i;
    CHECK_RC(reservation(XENMEM_populate_physmap, PAGES), most - now);
    CHECK_RC(ask(XENMEM_current_reservation), most);
}

static void memory_map(void)
{
    static struct e820_entry entries[2];
    struct xen_memory_map map = { .nr_entries = 2, .buffer = (u64)entries };
    struct xen_foreign_memory_map set = { .domid = DOMID_SELF, .map = map };
    s64 rc = memory_op(XENMEM_memory_map, &map);

    CHECK(rc == -XEN_ENOSYS || (rc == 0 && map.nr_entries <= 2));
    entries[0] = (struct e820_entry){ 0, 0x40000000, E820_RAM };
    entries[1] = (struct e820_entry){ 0x40000000, 0x1000, E820_RESERVED };
    CHECK_RC(memory_op(XENMEM_set_memory_map, &set), 0);
    memset(entries, 0, sizeof(entries));
    map.nr_entries = 100;
    CHECK_RC(memory_op(XENMEM_memory_map, &map), 0);
    CHECK_EQ(map.nr_entries, 2);
    CHECK_EQ(entries[1].addr, 0x40000000);
    CHECK_EQ(entries[1].type, E820_RESERVED);
    set.map.nr_entries = 0x10000;
    CHECK_RC(memory_op(XENMEM_set_memory_map, &set), -XEN_EINVAL);
    set.map.nr_entries = 1;
    set.domid = 0x7000;
    CHECK_RC(memory_op(XENMEM_set_memory_map, &set), -XEN_ESRCH);
}

TEST
{
    for (u64 i = 0; i < PAGES; i++) {
        u64 *page = page_alloc();

        pfns[i] = va_pfn(page);
        for (u64 k = 0; k < PAGE_SIZE / 8; k++)
            page[k] = 0x6e616f4b6e616f4b + i;
    }
    for (int round = 0; round < 3; round++) {
        down();
        up();
    }
    memory_map();
    to_the_limit();
}
