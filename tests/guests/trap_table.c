/*
 * set_trap_table: which handler gets which exception. The list ends with an address of 0, can be given in pieces, and each piece only
 * changes the vectors in it. An address that is not canonical is refused.
 */
#include "test.h"

static volatile unsigned int calls;

static bool count(struct trap_frame *frame)
{
    calls++;
    frame->rip += 2; /* over the ud2 */
    return true;
}

TEST
{
    struct trap_info table[3] = { 0 };

    trap_handle(TRAP_UD, count);
    __asm__ volatile("ud2");
    CHECK_EQ(calls, 1);

    /* Vector 5 to the entry of 6: the old entry of 6 stays. */
    table[0] =
        (struct trap_info){ .vector = 5, .cs = FLAT_KERNEL_CS, .address = trap_table_entries[6] };
    CHECK_RC(set_trap_table(table), 0);
    __asm__ volatile("ud2");
    CHECK_EQ(calls, 2);

    table[0] =
        (struct trap_info){ .vector = 6, .cs = FLAT_KERNEL_CS, .address = 0x0000800000000000 };
    CHECK_REFUSED(set_trap_table(table));
    table[0].address = 0x8000000000000000;
    CHECK_REFUSED(set_trap_table(table));
    __asm__ volatile("ud2");
    CHECK_EQ(calls, 3);
}
