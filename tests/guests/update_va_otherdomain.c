/*
 * update_va_mapping_otherdomain maps a frame of a named domain: -ESRCH where there is none of that name, and nobody's frames but
 * one's own for the unprivileged.
 */
#include "test.h"

static s64 otherdomain(u64 va, u64 pte, u64 flags, u64 domid)
{
    return hypercall(__HYPERVISOR_update_va_mapping_otherdomain, va, pte, flags, domid, 0);
}

TEST
{
    u64 *page = page_alloc();
    u64 entry = pte_make(ptr_mfn(page), PTE_RW_PAGE);

    CHECK_RC(otherdomain((u64)page, entry, UVMF_INVLPG, 0x7123), -XEN_ESRCH);
    CHECK_REFUSED(
        otherdomain((u64)page, pte_make(foreign_mfn(), PTE_RO_PAGE), UVMF_INVLPG, DOMID_SELF));
    CHECK_NO_TRAP(probe_write64((u64)page, 1));
}
