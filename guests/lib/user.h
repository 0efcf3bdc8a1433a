/*
 * Guest user mode: a second L4 in which only user pages are mapped, and a way to run in it.
 *
 *     user_space_init(&space);                         L4 with the .user part of the image, and a stack
 *     user_context_init(&context, function, argument);
 *     for (;;) switch (user_run(&space, &context)) {   back at every system call or trap
 *     case TRAP_SYSCALL: context.rax = ...
 *
 * A PV guest's kernel and user mode both run in ring 3; what keeps them apart is that the hypervisor switches the L4. Functions
 * and data for user mode are marked USER and stand in pages of their own.
 */
#ifndef GUEST_USER_H
#define GUEST_USER_H

#include "memory.h"
#include "trap.h"

#define USER      __attribute__((section(".user"), noinline, used))
#define USER_DATA __attribute__((section(".user.data"), used))

#define USER_STACK_TOP 0x0000700000000000UL

struct user_space {
    u64 l4_mfn;  /* pinned */
    void *stack; /* the page below USER_STACK_TOP, as the kernel sees it */
};

void user_space_init(struct user_space *space);

/* Registers to begin with: rip, rdi = argument, an empty stack, events not masked. */
void user_context_init(struct trap_frame *context, void *function, u64 argument);

/* Run until user mode comes back: TRAP_SYSCALL or the vector of an exception, with the registers in context. */
u64 user_run(const struct user_space *space, struct trap_frame *context);

/* From trap_dispatch: a trap in user mode. Returns only if no user_run is going on. */
void user_trap(struct trap_frame *frame);

/* A system call, to be used in USER functions. */
static ALWAYS_INLINE u64 user_syscall(u64 number, u64 a1, u64 a2)
{
    u64 result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a1), "S"(a2)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
