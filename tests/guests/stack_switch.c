/*
 * stack_switch: where the hypervisor puts the frame when guest user mode comes into the guest kernel.
 *
 * The frame lies right below the address that the last call named, rounded down to 16. An exception in guest kernel mode uses the
 * stack that is in use, not that one. Source: the checklist, section 4.
 */
#include "test.h"

static volatile u64 frame_end;

/* user_run names its own stack; here the kernel goes to user mode by itself. */
static struct iret_context to_user;

static void iret_raw(u64 unused)
{
    (void)unused;
    __asm__ volatile("mov %0, %%rsp; mov %1, %%eax; syscall"
                     :
                     : "r"(&to_user), "i"(__HYPERVISOR_iret)
                     : "memory");
    __builtin_unreachable();
}

static bool note(struct trap_frame *frame)
{
    frame_end = (u64)(frame + 1);
    return false; /* probe_call gets it */
}

USER static void one_call(void)
{
    user_syscall(1, 2, 3);
}

TEST
{
    u8 *stack = page_alloc();
    struct user_space space;

    user_space_init(&space);
    SETUP(mmuext_one(MMUEXT_NEW_USER_BASEPTR, space.l4_mfn) == 0);
    trap_handle(TRAP_SYSCALL, note);
    trap_handle(TRAP_UD, note);
    for (u64 back = 0; back < 64; back += 8) {
        to_user = (struct iret_context){ .rip = (u64)one_call,
                                         .cs = FLAT_USER_CS | 3,
                                         .rflags = 0x202,
                                         .rsp = USER_STACK_TOP,
                                         .ss = FLAT_USER_SS | 3 };
        CHECK_RC(stack_switch(FLAT_KERNEL_SS, (u64)stack + PAGE_SIZE - back), 0);
        probe_call(iret_raw, 0);
        CHECK_EQ(trap_last.vector, TRAP_SYSCALL);
        CHECK_EQ(frame_end, ((u64)stack + PAGE_SIZE - back) & ~15UL);

        CHECK_TRAP(TRY("ud2"), TRAP_UD);
        CHECK(frame_end < (u64)stack || frame_end > (u64)stack + PAGE_SIZE);
    }
}
