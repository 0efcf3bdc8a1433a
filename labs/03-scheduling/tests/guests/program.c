/*
 * A guest whose time passes in its user mode: a program of its own computes from words at its fs and gs bases, round after round, and the kernel looks
 * at its own gs in between. The program shares nothing with the kernel: another page table, other bases.
 *
 * progress: rounds; out[4 + rounds % 2]: the result so far; out[0]: rounds in which the kernel's gs led elsewhere; out[1]: vector + 1 of an exception in
 * the program. The grader draws the same numbers from the same seed (tests/switch.py).
 */
#include "mailbox.h"
#include "user.h"

MAILBOX

#define STEPS 50000

/* Arguments and results go by the user's page: rdi is its address. */
USER static void program(u64 page)
{
    u64 mix = *(volatile u64 *)page;

    for (;;) {
        for (u64 i = 0; i < STEPS; i++) {
            u64 factor, step;

            __asm__ volatile("movq %%gs:0, %0; movq %%fs:0, %1" : "=r"(factor), "=r"(step));
            mix = mix * factor + step;
        }
        user_syscall(mix, 0, 0);
    }
}

int main(void)
{
    static u64 kernel_words[64];
    struct user_space space;
    struct trap_frame context;

    mailbox_open();
    user_space_init(&space);
    u64 *page = space.stack, base = USER_STACK_TOP - PAGE_SIZE, own;
    for (u32 i = 0; i < 128; i++)
        page[i] = next_random() | 1;
    for (u32 i = 0; i < 64; i++)
        kernel_words[i] = next_random();
    u64 fs = next_random() % 128, gs = next_random() % 128, kernel = next_random() % 64;
    if (set_segment_base(SEGBASE_FS, base + 8 * fs) ||
        set_segment_base(SEGBASE_GS_USER, base + 8 * gs) ||
        set_segment_base(SEGBASE_GS_KERNEL, (u64)&kernel_words[kernel]))
        guest_panic("segment bases");
    user_context_init(&context, program, base);
    checkpoint(1);
    for (;;) {
        u64 vector = user_run(&space, &context);

        if (vector != TRAP_SYSCALL) {
            mailbox.out[1] = vector + 1;
            for (;;)
                yield();
        }
        __asm__ volatile("movq %%gs:0, %0" : "=r"(own));
        if (own != kernel_words[kernel])
            mailbox.out[0]++;
        mailbox.out[4 + (mailbox.progress + 1) % 2] = context.rax;
        mailbox.progress++;
    }
}
