/*
 * Guest user mode and back: registers arrive as the iret hypercall gave them and come back as user mode left them.
 *
 * The way back is on the stack that stack_switch named, with the kernel's L4; cs and ss in the frame have RPL 3, rcx and r11 of a
 * system call are what `syscall` made of them. Source: the checklist, sections 2 and 4.
 */
#include "test.h"

/* Adds one to each register and makes a system call. */
__asm__(".section .user, \"ax\"\n"
        "user_increment: inc %rax; inc %rbx; inc %rdx; inc %rsi; inc %rdi; inc %rbp\n"
        "inc %r8; inc %r9; inc %r10; inc %r12; inc %r13; inc %r14; inc %r15\n"
        "syscall\n"
        "user_after: ud2\n"
        ".text\n");
extern u8 user_increment[], user_after[];

TEST
{
    struct user_space space;
    struct trap_frame context, want;

    user_space_init(&space);
    user_context_init(&context, user_increment, 0);
    for (u64 *r = &context.r15; r <= &context.rdi; r++)
        *r = 0x1111111100000000 + (u64)(r - &context.r15);
    context.rax = 0xabcdef;
    want = context;

    CHECK_EQ(user_run(&space, &context), TRAP_SYSCALL);
    for (int i = 0; i < 12; i++)
        CHECK_EQ((&context.r15)[i], (&want.r15)[i] + 1);
    CHECK_EQ(context.rax, 0xabcdef + 1);
    CHECK_EQ(context.rip, (u64)user_after);
    CHECK_EQ(context.rcx, (u64)user_after);
    CHECK_EQ(context.rsp, want.rsp);
    CHECK_EQ(context.cs & 0xffff, FLAT_USER_CS | 3);
    CHECK_EQ(context.ss & 0xffff, FLAT_USER_SS | 3);
    CHECK_EQ(context.rflags & 0x3200, 0x200);

    CHECK_EQ(user_run(&space, &context), TRAP_UD);
    CHECK_EQ(context.rip, (u64)user_after);
    CHECK_EQ(context.cs & 3, 3);
}
