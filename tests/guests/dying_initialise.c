/*
 * A domain ends in the midst of VCPUOP_initialise: page tables that nobody has looked at before become the new vCPU's, which is a long walk, and then
 * the context is refused for something else in it, so that all of it is undone. Source: vcpu.h, arch-x86/xen.h.
 */
#define NEEDS_VCPUS 3
#include "dying.h"

#define TREES  2
#define TABLES 8

static u64 trees[TREES];

static void put(u64 *table, u64 slot, u64 entry)
{
    page_writable(table);
    table[slot] = entry;
    page_readonly(table);
}

/* An L4 over tables that map one page all over, read-only. */
static u64 tree(void)
{
    u64 *l4 = table_alloc(), *l3 = table_alloc(), *l2 = table_alloc();

    for (u32 i = 0; i < TABLES; i++) {
        u64 *l1 = table_alloc(), page = ptr_mfn(page_alloc());

        page_writable(l1);
        for (u32 j = 0; j < 512; j++)
            l1[j] = page << PAGE_SHIFT | PTE_RO_PAGE;
        page_readonly(l1);
        put(l2, i, ptr_mfn(l1) << PAGE_SHIFT | PTE_TABLE);
    }
    put(l3, 0, ptr_mfn(l2) << PAGE_SHIFT | PTE_TABLE);
    put(l4, 0, ptr_mfn(l3) << PAGE_SHIFT | PTE_TABLE);
    return ptr_mfn(l4);
}

static void nothing(u64 argument)
{
    (void)argument;
}

static void work(u64 argument)
{
    u64 data = ptr_mfn(page_alloc());

    (void)argument;
    for (u32 n = 0;; n++) {
        struct vcpu_guest_context *c = smp_context(2, nothing, 0);

        c->ctrlreg[3] = trees[n % TREES] << PAGE_SHIFT;
        c->ctrlreg[1] = data << PAGE_SHIFT; /* not an L4 */
        s64 rc = AMID(vcpu_op(VCPUOP_initialise, 2, c));
        dying_count(rc < 0 && rc != -XEN_EEXIST && rc != -XEN_ENOENT);
    }
}

TEST
{
    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs three vCPUs");
    for (u32 i = 0; i < TREES; i++)
        trees[i] = tree();
    die_amid("VCPUOP_initialise", work);
}
