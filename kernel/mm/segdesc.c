/*
 * The check of segment descriptors: see segdesc.h. Pure, unit-tested on the host.
 */
#include "mm/segdesc.h"

#include "abi/arch-x86_64.h"

#define DESC_TYPE      (0xfUL << 40)
#define DESC_S         BIT(44) /* code or data, not a system descriptor */
#define DESC_DPL       (3UL << 45)
#define DESC_DPL_SHIFT 45
#define DESC_P         BIT(47)

#define TYPE_CALL_GATE (0xcUL << 40)
#define GATE_SELECTOR  (0xffffUL << 16)
#define GATE_RESERVED  (0xffUL << 32) /* IST and reserved bits of a call gate */

/*
 * Is the selector one that a call gate may lead to: the guest's own tables, or its flat 64-bit
 * code?
 */
static bool gate_target_ok(u16 selector)
{
    return (selector >> 3) < FIRST_RESERVED_GDT_ENTRY || selector == FLAT_KERNEL_CS ||
           (selector & 4);
}

/*
 * A call gate could lead from guest user mode straight into the guest's kernel without the
 * hypervisor's knowledge. So its own DPL becomes 0: using it faults. The DPL that the guest gave is
 * kept in the RPL of the target, which nobody looks at.
 */
static bool call_gate_check(u64 *desc)
{
    u16 target = *desc >> 16;

    if (!gate_target_ok(target) || (*desc & GATE_RESERVED))
        return false;
    target |= 3;
    *desc = (*desc & ~(GATE_SELECTOR | DESC_DPL)) | (u64)target << 16;
    return true;
}

bool segdesc_check(u64 *desc)
{
    if (!(*desc & DESC_P))
        return true; /* loading it faults */
    if ((*desc & DESC_S) || !(*desc & DESC_TYPE)) {
        /*
         * Base and limit don't matter: pages protect, not segments. System type 0 is reserved: the
         * upper half of a call gate.
         */
        *desc |= DESC_DPL;
        return true;
    }
    return (*desc & DESC_TYPE) == TYPE_CALL_GATE && call_gate_check(desc);
}

bool segdesc_check_page(u64 *table)
{
    for (size_t i = 0; i < PAGE_SIZE / sizeof(*table); i++)
        if (!segdesc_check(&table[i]))
            return false;
    return true;
}
