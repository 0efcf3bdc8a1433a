/*
 * Device memory is not for unprivileged domains: frames that are no RAM cannot be mapped.
 *
 * The local APIC's page would let a guest interrupt any CPU; the legacy video memory is shared by all. A dom0 may map such frames
 * on Xen, so this is for the others. Source: "foreign MMIO -EPERM", checklist section 3.
 */
#include "test.h"

TEST
{
    static const u64 frames[] = { 0xfee00, 0xfec00, 0xfed00, 0xb8, 0xa0, 0xf0 };
    void *window = page_alloc();

    UNPRIVILEGED_ONLY();
    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        CHECK_REFUSED(
            update_va_mapping((u64)window, pte_make(frames[i], PTE_RW_PAGE), UVMF_INVLPG));
        CHECK_REFUSED(
            update_va_mapping((u64)window, pte_make(frames[i], PTE_RO_PAGE), UVMF_INVLPG));
    }
}
