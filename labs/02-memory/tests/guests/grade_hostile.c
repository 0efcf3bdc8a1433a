/*
 * Hostile: asks, at random places, for what no guest may have. Kind 3: a request that was not refused (value: which attempt).
 * Kind 4: an attempt that was made, so that the grader knows that this ran.
 */
#include "grader.h"

GRADER_GUEST

static u64 *table, *spare;

static void refused(u64 attempt, s64 rc, u64 mfn)
{
    note(4, mfn, attempt);
    if (rc >= 0)
        note(3, mfn, attempt);
}

/* A frame that is not this domain's. */
static u64 foreign(void)
{
    for (;;) {
        u64 mfn = below(&seed, 0xffff);
        u64 pfn = mfn_pfn(mfn);

        if (pfn >= start_info->nr_pages || pfn_mfn(pfn) != mfn)
            return mfn;
    }
}

static void attempt(u64 which)
{
    u64 slot = below(&seed, 512), stranger;

    switch (which) {
    case 0: /* a page table, mapped writable */
        refused(which, pte_write(&table[slot], pte_make(ptr_mfn(table), PTE_RW_PAGE)),
                ptr_mfn(table));
        break;
    case 1: /* somebody else's frame */
        stranger = foreign();
        refused(which, pte_write(&table[slot], pte_make(stranger, PTE_RO_PAGE)), stranger);
        break;
    case 2: /* a table that is mapped writable */
        refused(which, mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(spare)), ptr_mfn(spare));
        break;
    case 3: /* an L1 as an L2 */
        refused(which, mmuext_one(MMUEXT_PIN_L2_TABLE, ptr_mfn(table)), ptr_mfn(table));
        break;
    case 4: /* somebody else's frame as a table */
        stranger = foreign();
        refused(which, mmuext_one(MMUEXT_PIN_L4_TABLE, stranger), stranger);
        break;
    case 5: /* a superpage in the current L2 */
        refused(which,
                pte_write(pte_of(VIRT_BASE + (slot % 8 << 21), 2),
                          pte_make(ptr_mfn(table) & ~511UL, PTE_TABLE | PTE_PSE)),
                0);
        break;
    case 6: /* one of the hypervisor's own slots */
        refused(which,
                pte_write(pte_walk(current_l4(), 0xffff800000000000UL + (slot % 16 << 39), 4),
                          pte_make(ptr_mfn(table), PTE_TABLE)),
                0);
        break;
    case 7: /* a pin that is not there */
        refused(which, mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(spare)), ptr_mfn(spare));
        break;
    }
}

int main(void)
{
    seed = hex_word("seed");
    notes.nonce = hex_word("nonce");
    table = page_alloc();
    spare = page_alloc();
    for (u64 i = 0; i < 512; i++)
        spare[i] = below(&seed, 2) ? next_random(&seed) & ~PTE_P : 0;
    page_readonly(table);
    if (mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(table)) != 0)
        note(9, ptr_mfn(table), MMUEXT_PIN_L1_TABLE);
    for (u32 i = 0; i < 96; i++)
        attempt(below(&seed, 8));
    checkpoint(1);
    return 0;
}
