/*
 * Segment bases: fs, and a gs for each guest mode that the hypervisor swaps on every change of mode.
 *
 * In guest kernel mode gs is the kernel's base; user mode gets its own, and the kernel finds its own again. An address that is not
 * canonical would make the hypervisor's own wrmsr fault, and is refused. Source: SEGBASE_*; the checklist, section 2.
 */
#include "test.h"

USER static void read_gs_and_fs(u64 unused)
{
    u64 gs, fs;

    (void)unused;
    __asm__ volatile("movq %%gs:0, %0; movq %%fs:0, %1" : "=r"(gs), "=r"(fs));
    user_syscall(gs, fs, 0);
}

static u64 gs_word(void)
{
    u64 word;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(word));
    return word;
}

TEST
{
    static u64 kernel_area = 0x4b4b, fs_area = 0xf5f5;
    struct user_space space;
    struct trap_frame context;
    u64 fs, *user_area;

    CHECK_RC(set_segment_base(SEGBASE_GS_KERNEL, (u64)&kernel_area), 0);
    CHECK_EQ(gs_word(), 0x4b4b);
    CHECK_RC(set_segment_base(SEGBASE_FS, (u64)&fs_area), 0);
    __asm__ volatile("movq %%fs:0, %0" : "=r"(fs));
    CHECK_EQ(fs, 0xf5f5);

    user_space_init(&space);
    user_area = space.stack; /* its lowest words, as user mode sees them below its stack */
    user_area[0] = 0x6565;
    user_area[1] = 0x7575;
    CHECK_RC(set_segment_base(SEGBASE_GS_USER, USER_STACK_TOP - PAGE_SIZE), 0);
    CHECK_RC(set_segment_base(SEGBASE_FS, USER_STACK_TOP - PAGE_SIZE + 8), 0);
    user_context_init(&context, read_gs_and_fs, 0);
    CHECK_EQ(user_run(&space, &context), TRAP_SYSCALL);
    CHECK_EQ(context.rax, 0x6565);
    CHECK_EQ(context.rdi, 0x7575);
    CHECK_EQ(gs_word(), 0x4b4b);

    for (u64 which = SEGBASE_FS; which <= SEGBASE_GS_KERNEL; which++) {
        CHECK_REFUSED(set_segment_base(which, 0x0000800000000000));
        CHECK_REFUSED(set_segment_base(which, 0x8000000000000000));
    }
    CHECK_EQ(gs_word(), 0x4b4b);
    CHECK_REFUSED(set_segment_base(9, 0));
    CHECK_RC(set_segment_base(SEGBASE_GS_USER_SEL, 0), 0);
    set_segment_base(
        SEGBASE_GS_USER_SEL,
        0xe008); /* the hypervisor's code segment: refused or made null, but no crash */
    CHECK_EQ(gs_word(), 0x4b4b);
}
