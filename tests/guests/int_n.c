/*
 * Software interrupts: `int n` goes to the guest's own handler, from user mode only where the trap table's entry allows it.
 *
 * int3 and int 0x80 are open here for user mode, others are not: those end as a general-protection fault. In the guest kernel an `int`
 * of a vector without a handler is one, too. (The error code is not checked: QEMU before 8.0 reports a wrong one in long mode.)
 */
#include "test.h"

static volatile unsigned int calls;

static bool count(struct trap_frame *frame)
{
    calls += !trap_frame_user(frame);
    return !trap_frame_user(frame);
}

USER static void user_int80(u64 argument)
{
    __asm__ volatile("int $0x80" : : "a"(argument) : "memory");
    __asm__ volatile("int3");
    __asm__ volatile("int $0x21");
}

TEST
{
    struct user_space space;
    struct trap_frame context;

    trap_handle(TRAP_INT80, count);
    trap_handle(TRAP_BP, count);
    __asm__ volatile("int $0x80");
    CHECK_EQ(calls, 1);
    __asm__ volatile("int3");
    CHECK_EQ(calls, 2);
    CHECK_TRAP(TRY("int $0x21"), TRAP_GP);
    CHECK_TRAP(TRY("int $0xf0"), TRAP_GP);

    user_space_init(&space);
    user_context_init(&context, user_int80, 0x1234);
    CHECK_EQ(user_run(&space, &context), TRAP_INT80);
    CHECK_EQ(context.rax, 0x1234);
    CHECK_EQ(user_run(&space, &context), TRAP_BP);
    CHECK_EQ(user_run(&space, &context), TRAP_GP);
}
