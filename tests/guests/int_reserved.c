/*
 * Vectors that are no exceptions of a guest's: a handler may be registered for any of the 256, and nothing happens by that.
 *
 * NMI (2), double fault (8) and machine check (18) stay the hypervisor's; `int` to them from the guest kernel never reaches the
 * hypervisor's own handlers, which have stacks of their own that a forged one would overwrite.
 */
#include "test.h"

static volatile unsigned int arrived;

static bool any(struct trap_frame *frame)
{
    arrived = (unsigned int)frame->vector;
    return true;
}

TEST
{
    static struct trap_info table[257];

    for (int i = 0; i < 256; i++)
        table[i] = (struct trap_info){ .vector = (u8)i,
                                       .flags = 3 | TI_MASK_EVENTS,
                                       .cs = FLAT_KERNEL_CS,
                                       .address = trap_table_entries[6] };
    table[TRAP_GP].address = trap_table_entries[TRAP_GP];
    table[TRAP_PF].address = trap_table_entries[TRAP_PF];
    CHECK_RC(set_trap_table(table), 0);
    trap_handle(TRAP_UD, any);
    for (int round = 0; round < 3; round++) {
        __asm__ volatile("1: int $2\n 2:" : : : "memory");
        __asm__ volatile("int $8" : : : "memory");
        __asm__ volatile("int $18" : : : "memory");
        __asm__ volatile("int $0xf1" : : : "memory");
        CHECK(xen_version(XENVER_version, NULL) > 0);
    }
    CHECK_EQ(arrived, TRAP_UD);
}
