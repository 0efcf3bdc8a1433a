/*
 * A domain ends in the midst of multicalls that pin and unpin a tree of tables: the walk that is under way ends with it.
 */
#define NEEDS_VCPUS 2
#include "dying.h"

#define TABLES 8
#define CALLS  16

static struct multicall_entry calls[CALLS];
static struct mmuext_op ops[CALLS];

static u64 top;

/* Anew in each round: Xen leaves its notes in the entry of a call that it had to stop in the middle. */
static void prepare(void)
{
    for (u32 i = 0; i < CALLS; i++) {
        ops[i].cmd = i % 2 ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L2_TABLE;
        ops[i].arg1.mfn = top;
        calls[i].op = __HYPERVISOR_mmuext_op;
        calls[i].args[0] = (u64)&ops[i];
        calls[i].args[1] = 1;
        calls[i].args[3] = DOMID_SELF;
    }
}

static void work(u64 argument)
{
    (void)argument;
    for (;;) {
        prepare();
        bool good = AMID(multicall(calls, CALLS)) == 0;

        for (u32 i = 0; i < CALLS; i++)
            good &= calls[i].result == 0;
        dying_count(good);
    }
}

/* An L2 of tables that map one page all over, read-only. */
static u64 tree(void)
{
    u64 *l2 = table_alloc();

    for (u32 i = 0; i < TABLES; i++) {
        u64 *l1 = table_alloc(), page = ptr_mfn(page_alloc());

        page_writable(l1);
        for (u32 j = 0; j < 512; j++)
            l1[j] = page << PAGE_SHIFT | PTE_RO_PAGE;
        page_readonly(l1);
        page_writable(l2);
        l2[i] = ptr_mfn(l1) << PAGE_SHIFT | PTE_TABLE;
        page_readonly(l2);
    }
    return ptr_mfn(l2);
}

TEST
{
    top = tree();
    die_amid("a multicall that pins a tree", work);
}
