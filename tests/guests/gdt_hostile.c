/*
 * set_gdt with frames that will not do: too many, another's, a page table, a page with a bad descriptor in it, the same frame twice
 * (which is fine). After a refusal nothing is left behind: the pages can be written.
 */
#include "test.h"

#define TSS_64  0x0000890000000067UL /* a task state segment: would let the guest switch stacks */
#define GATE_64 0x00008e0000080000UL /* an interrupt gate */

static void refused_with(u64 descriptor)
{
    u64 *page = page_alloc(), mfn = ptr_mfn(page);

    page[100] = descriptor;
    page_readonly(page);
    CHECK_REFUSED(set_gdt(&mfn, 512));
    CHECK(page_can_be_written(page));
}

TEST
{
    u64 *page = page_alloc(), mfns[16], l4 = current_l4();

    page_readonly(page);
    for (int i = 0; i < 16; i++)
        mfns[i] = ptr_mfn(page);
    CHECK_RC(set_gdt(mfns, FIRST_RESERVED_GDT_ENTRY), 0);
    CHECK_RC(set_gdt(mfns, FIRST_RESERVED_GDT_ENTRY + 1), -XEN_EINVAL);
    CHECK_RC(set_gdt(mfns, 0), 0);
    CHECK(page_can_be_written(page));

    mfns[1] = foreign_mfn();
    CHECK_REFUSED(set_gdt(mfns, 1024));
    CHECK(page_can_be_written(page));
    CHECK_REFUSED(set_gdt(&l4, 16));
    refused_with(TSS_64);
    refused_with(GATE_64);
    refused_with(TSS_64 | 0x0000020000000000UL); /* busy */
}
