/*
 * An exception in guest kernel mode pushes its frame onto the current stack, rounded down to 16 bytes, and the saved rsp is the one of
 * before.
 */
#include "test.h"

static u64 saved_rsp, frame_end, go_on;

static bool take(struct trap_frame *frame)
{
    saved_rsp = frame->rsp;
    frame_end = (u64)(frame + 1);
    frame->rip = go_on;
    return true;
}

TEST
{
    trap_handle(TRAP_UD, take);
    for (u64 offset = 0; offset < 32; offset++) {
        u64 rsp;

        __asm__ volatile(
            "mov %%rsp, %%r12\n sub $256, %%rsp\n and $-16, %%rsp\n sub %2, %%rsp\n mov %%rsp, %0\n"
            "lea 1f(%%rip), %%rax\n mov %%rax, %1\n ud2\n 1: mov %%r12, %%rsp"
            : "=&r"(rsp), "=m"(go_on)
            : "r"(offset)
            : "rax", "r12", "memory");
        CHECK_EQ(saved_rsp, rsp);
        CHECK_EQ(frame_end, rsp & ~15UL);
    }
}
