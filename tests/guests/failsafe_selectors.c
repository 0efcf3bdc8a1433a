/*
 * The frame of the failsafe callback shows ds, es, fs and gs as they are.
 *
 * A guest compares them with its registers: if they are the same, its iret was bad, and it ends the program that it would have gone
 * back to; if not, a selector could not be loaded, and it tries the same iret again. So a stale selector in the frame is a loop
 * without an end, for any program with a selector of its own. Source: the failsafe frame in Xen's public arch-x86/xen-x86_64.h;
 * what guests make of it: the checklist.
 */
#include "test.h"

u64 failsafe_frame[6]; /* rcx, r11, ds, es, fs, gs; for the assembly below */
u64 failsafe_back;

__asm__("failsafe_probe:\n"
        "pop failsafe_frame+0\n pop failsafe_frame+8\n pop failsafe_frame+16\n"
        "pop failsafe_frame+24\n pop failsafe_frame+32\n pop failsafe_frame+40\n"
        "mov failsafe_back, %rsp\n ret\n");
extern u8 failsafe_probe[], event_entry[], syscall_entry[];

/* Comes back by way of failsafe_probe, which finds the stack as it was. */
static NOINLINE void bad_iret(struct iret_context *context)
{
    __asm__ volatile(
        "push %%rbx; push %%rbp; lea 1f(%%rip), %%rax; push %%rax; mov %%rsp, failsafe_back\n"
        "mov %0, %%rsp; mov %1, %%eax; syscall\n ud2\n"
        "1: pop %%rbp; pop %%rbx"
        :
        : "r"(context), "i"(__HYPERVISOR_iret)
        : "rax", "rcx", "r11", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r12", "r13", "r14", "r15",
          "memory");
}

/* Xen 4.17 hands the guest the exception itself, which shows no selectors. */
static bool no_failsafe(struct trap_frame *frame)
{
    (void)frame;
    TEST_SKIP("a bad iret is an exception here");
    return true;
}

TEST
{
    static struct iret_context context;
    u64 stack = (u64)page_alloc() + PAGE_SIZE;
    u16 data = FLAT_KERNEL_SS | 3;

    trap_handle(TRAP_GP, no_failsafe);
    SETUP(set_callbacks((u64)event_entry, (u64)failsafe_probe, (u64)syscall_entry) == 0);
    for (int round = 0; round < 3; round++) {
        u16 ds = round == 1 ? data : 0, es = round == 2 ? data : 0;
        u16 fs = round == 1 ? data : 0, gs = round != 0 ? data : 0;

        __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%fs; mov %3, %%gs"
                         :
                         : "r"((u32)ds), "r"((u32)es), "r"((u32)fs), "r"((u32)gs));
        context = (struct iret_context){
            .rip = 0x1000, .cs = 0x1234 & ~3UL, .rflags = 2, .rsp = stack, .ss = FLAT_KERNEL_SS
        };
        bad_iret(&context);
        CHECK_EQ(failsafe_frame[2] & 0xffff, ds);
        CHECK_EQ(failsafe_frame[3] & 0xffff, es);
        CHECK_EQ(failsafe_frame[4] & 0xffff, fs);
        CHECK_EQ(failsafe_frame[5] & 0xffff, gs);
    }
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" : : "r"(0));
}
