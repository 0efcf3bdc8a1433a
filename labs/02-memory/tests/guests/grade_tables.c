/*
 * Friendly: trees of a random shape, pinned, changed, unpinned. Kind 1: the frame must be a table of that level; 2: a table no more.
 */
#include "grader.h"

GRADER_GUEST

#define TREES  4
#define TABLES 6
#define DATA   24

static u64 *data[DATA];
static u64 *l1[TREES][TABLES], *l2[TREES];

static u64 data_entry(void)
{
    return pte_make(ptr_mfn(data[below(&seed, DATA)]), below(&seed, 2) ? PTE_RW_PAGE : PTE_RO_PAGE);
}

static void build(u32 tree)
{
    l2[tree] = page_alloc();
    for (u32 t = 0; t < TABLES; t++) {
        l1[tree][t] = page_alloc();
        for (u64 n = below(&seed, 40); n > 0; n--)
            l1[tree][t][below(&seed, 512)] = data_entry();
        page_readonly(l1[tree][t]);
    }
    for (u64 n = 1 + below(&seed, 12); n > 0; n--)
        l2[tree][below(&seed, 512)] = pte_make(ptr_mfn(l1[tree][below(&seed, TABLES)]), PTE_TABLE);
    page_readonly(l2[tree]);
    if (mmuext_one(MMUEXT_PIN_L2_TABLE, ptr_mfn(l2[tree])) != 0)
        note(9, ptr_mfn(l2[tree]), MMUEXT_PIN_L2_TABLE);
    note(1, ptr_mfn(l2[tree]), 2);
    for (u32 i = 0; i < 512; i++)
        if (l2[tree][i] & PTE_P)
            note(1, pte_mfn(l2[tree][i]), 1);
}

static void change(u32 tree)
{
    for (u32 n = 0; n < 8; n++) {
        u32 slot = (u32)below(&seed, 512);
        u64 value =
            below(&seed, 3) ? pte_make(ptr_mfn(l1[tree][below(&seed, TABLES)]), PTE_TABLE) : 0;

        if (pte_write(&l2[tree][slot], value) != 0)
            note(9, ptr_mfn(l2[tree]), value);
    }
    for (u32 i = 0; i < 512; i++)
        if (l2[tree][i] & PTE_P)
            note(1, pte_mfn(l2[tree][i]), 1);
    for (u32 t = 0; t < TABLES; t++) {
        bool used = false;

        for (u32 i = 0; i < 512; i++)
            used |= (l2[tree][i] & PTE_P) && pte_mfn(l2[tree][i]) == ptr_mfn(l1[tree][t]);
        if (!used)
            note(2, ptr_mfn(l1[tree][t]), 1);
        for (u32 n = 0; used && n < 4; n++)
            if (pte_write(&l1[tree][t][below(&seed, 512)], data_entry()) != 0)
                note(9, ptr_mfn(l1[tree][t]), 0);
    }
}

int main(void)
{
    seed = hex_word("seed");
    notes.nonce = hex_word("nonce");
    for (u32 i = 0; i < DATA; i++)
        data[i] = page_alloc();
    for (u32 tree = 0; tree < TREES; tree++)
        build(tree);
    checkpoint(1);
    notes.count = 0;
    for (u32 tree = 0; tree < TREES; tree++)
        change(tree);
    checkpoint(2);
    notes.count = 0;
    for (u32 tree = 0; tree < TREES; tree++) {
        if (mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(l2[tree])) != 0)
            note(9, ptr_mfn(l2[tree]), MMUEXT_UNPIN_TABLE);
        note(2, ptr_mfn(l2[tree]), 2);
        for (u32 t = 0; t < TABLES; t++)
            note(2, ptr_mfn(l1[tree][t]), 1);
    }
    checkpoint(3);
    return 0;
}
