/*
 * The registers of a guest at its first instruction.
 *
 * rsi names start_info, rsp the end of the boot stack; all other general registers are 0; IF is the only flag that matters; cs and ss
 * are the flat ones, the data selectors null; gs has base 0. Source: the checklist, section 1.4.
 */
#include "test.h"

TEST
{
    const struct entry_state *e = &entry_state;

    for (size_t i = 0; i < ARRAY_SIZE(e->zero); i++)
        CHECK_EQ(e->zero[i], 0);
    CHECK_EQ(e->rsi, (u64)start_info);
    CHECK_EQ(e->rsp, start_info->pt_base + (start_info->nr_pt_frames + 1) * PAGE_SIZE);
    CHECK_EQ(e->rflags & ~2UL & ~0x200UL, 0);
    CHECK_EQ(e->cs | 3, FLAT_KERNEL_CS | 3);
    CHECK_EQ(e->ss | 3, FLAT_KERNEL_SS | 3);
    CHECK_EQ(e->ds, 0);
    CHECK_EQ(e->es, 0);
    CHECK_EQ(e->fs, 0);
    CHECK_EQ(e->gs, 0);
    CHECK(probe_read64(0, NULL)); /* nothing is mapped at 0 */
    CHECK_TRAP(TRY("movq %%gs:0, %%rax"), TRAP_PF);
    CHECK_EQ(trap_last.cr2, 0);
}
