/*
 * fpu_taskswitch: the guest sets the task-switched flag, the next FPU instruction is a #NM, and the flag is already clear in the
 * handler. That is how a kernel saves the FPU of the process before lazily.
 *
 * Besides, what the guest has in its FPU registers stays there while others run. Source: "#NM", checklist section 4.
 */
#include "test.h"

static volatile unsigned int calls;
static volatile u64 nested;

static bool not_available(struct trap_frame *frame)
{
    (void)frame;
    calls++;
    __asm__ volatile("movq %%xmm0, %0" : "=r"(nested)); /* no #NM within the #NM */
    return true;
}

TEST
{
    u64 in = 0x1122334455667788, out = 0;
    u32 mxcsr = 0x1fa0, got = 0;

    trap_handle(TRAP_NM, not_available);
    __asm__ volatile("movq %0, %%xmm0; ldmxcsr %1" : : "r"(in), "m"(mxcsr));
    for (int i = 0; i < 50; i++)
        yield();
    __asm__ volatile("movq %%xmm0, %0; stmxcsr %1" : "=r"(out), "=m"(got));
    CHECK_EQ(out, in);
    CHECK_EQ(got & 0xffc0, 0x1f80);
    CHECK_EQ(calls, 0);

    CHECK_RC(fpu_taskswitch(true), 0);
    __asm__ volatile("movq %%xmm0, %0" : "=r"(out));
    CHECK_EQ(calls, 1);
    CHECK_EQ(out, in);
    CHECK_EQ(nested, in);
    __asm__ volatile("movq %%xmm0, %0" : "=r"(out));
    CHECK_EQ(calls, 1);
    CHECK_RC(fpu_taskswitch(true), 0);
    CHECK_RC(fpu_taskswitch(false), 0);
    __asm__ volatile("movq %%xmm0, %0" : "=r"(out));
    CHECK_EQ(calls, 1);
}
