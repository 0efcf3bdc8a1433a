/*
 * A hypercall changes rax, rcx and r11 and nothing else: guests rely on every other register, arguments included.
 *
 * With a call that succeeds, one that fails and one that does not exist; and rflags come back (but for what `syscall` itself does
 * to them). Source: the checklist, section 1.5: "everything else preserved".
 */
#include "test.h"

/* Seen by the assembly below. */
u64 before[13], after[13], flags_after;

/* Load all registers from before[], make the call, store them to after[]. */
static void call(u64 number)
{
    __asm__ volatile(
        "push %%rbp\n push %%rbx\n mov %[number], %%rax\n"
        "mov before+0, %%rdi\n mov before+8, %%rsi\n mov before+16, %%rdx\n mov before+24, %%r10\n"
        "mov before+32, %%r8\n mov before+40, %%r9\n mov before+48, %%rbx\n mov before+56, %%rbp\n"
        "mov before+64, %%r12\n mov before+72, %%r13\n mov before+80, %%r14\n mov before+88, %%r15\n"
        "mov %%rsp, before+96\n syscall\n mov %%rsp, after+96\n"
        "pushfq\n popq flags_after\n"
        "mov %%rdi, after+0\n mov %%rsi, after+8\n mov %%rdx, after+16\n mov %%r10, after+24\n"
        "mov %%r8, after+32\n mov %%r9, after+40\n mov %%rbx, after+48\n mov %%rbp, after+56\n"
        "mov %%r12, after+64\n mov %%r13, after+72\n mov %%r14, after+80\n mov %%r15, after+88\n"
        "pop %%rbx\n pop %%rbp\n"
        :
        : [number] "r"(number)
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
          "memory");
}

static void check_call(u64 number, u64 a1, u64 a2)
{
    for (size_t i = 0; i < ARRAY_SIZE(before); i++)
        before[i] = 0x1234567800000000 + i * 0x1010101;
    before[0] = a1;
    before[1] = a2;
    call(number);
    for (size_t i = 0; i < ARRAY_SIZE(before); i++)
        if (before[i] != after[i])
            TEST_FAIL("hypercall %lu changed register %lu from %#lx to %#lx", number, i, before[i],
                      after[i]);
    CHECK_EQ(flags_after & 0x400, 0); /* direction flag */
}

TEST
{
    check_call(__HYPERVISOR_xen_version, XENVER_version, 0);
    check_call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    check_call(__HYPERVISOR_mmuext_op, 0x123456789000, 7);
    check_call(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, (u64)&before);
    check_call(1000, 0, 0);
}
