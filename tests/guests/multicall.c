/*
 * multicall: several hypercalls for the price of one entry. Each entry gets its own result, and one that fails does not stop those
 * behind it; the call itself answers 0.
 *
 * A multicall inside a multicall is refused, as is a list that cannot be read. Source: HYPERVISOR_multicall in xen.h.
 */
#include "test.h"

#define ENTRY(number, ...)                                                                         \
    {                                                                                              \
        .op = (number), .result = 0x5555, .args = { __VA_ARGS__ }                                  \
    }

TEST
{
    u64 *page = page_alloc();
    struct multicall_entry inner[1] = { ENTRY(__HYPERVISOR_xen_version, XENVER_version) };
    struct multicall_entry list[] = {
        ENTRY(__HYPERVISOR_xen_version, XENVER_version),
        ENTRY(11),
        ENTRY(__HYPERVISOR_update_va_mapping, (u64)page, pte_make(ptr_mfn(page), PTE_RO_PAGE),
              UVMF_INVLPG),
        ENTRY(__HYPERVISOR_multicall, (u64)inner, 1),
        ENTRY(~0UL),
        ENTRY(__HYPERVISOR_mmuext_op, 0x123456789000, 1, 0, DOMID_SELF),
        ENTRY(__HYPERVISOR_sched_op, SCHEDOP_yield),
        ENTRY(__HYPERVISOR_xen_version, XENVER_pagesize),
    };

    CHECK_RC(multicall(list, ARRAY_SIZE(list)), 0);
    CHECK_EQ(list[0].result, 4 << 16 | 17);
    CHECK_RC(list[1].result, -XEN_ENOSYS);
    CHECK_RC(list[2].result, 0);
    CHECK_REFUSED(list[3].result);
    CHECK_EQ(inner[0].result, 0x5555);
    CHECK_RC(list[4].result, -XEN_ENOSYS);
    CHECK_RC(list[5].result, -XEN_EFAULT);
    CHECK_RC(list[6].result, 0);
    CHECK_EQ(list[7].result, 4096);
    CHECK_TRAP(probe_write64((u64)page, 1), TRAP_PF);

    CHECK_RC(multicall(NULL, 0), 0);
    CHECK_RC(multicall(NULL, 1), -XEN_EFAULT);
}
