/*
 * Single step: the guest sets the trap flag, the hypervisor hands it the #DB after the next instruction and has TF off in the handler.
 *
 * Linux and every debugger need it. Source: "AC/VM/RF/NT/TF cleared" on entry, checklist section 4.
 */
#include "test.h"

static u64 stops[8];
static volatile unsigned int n;

static bool step(struct trap_frame *frame)
{
    u64 flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    if (flags & 0x100)
        TEST_FAIL("TF is set in the handler");
    if (n < ARRAY_SIZE(stops))
        stops[n] = frame->rip;
    if (++n == 3)
        frame->rflags &= ~0x100UL;
    return true;
}

TEST
{
    u64 first;

    trap_handle(TRAP_DB, step);
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; lea 1f(%%rip), %0\n 1: nop; nop; nop; nop"
                     : "=&r"(first)
                     :
                     : "memory", "cc");
    CHECK_EQ(n, 3);
    CHECK_EQ(stops[0], first);
    CHECK_EQ(stops[1], first + 1);
    CHECK_EQ(stops[2], first + 2);
}
