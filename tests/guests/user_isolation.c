/*
 * What guest user mode cannot do: see the guest kernel's memory, see the hypervisor's, make hypercalls, use privileged instructions.
 *
 * Its faults reach the guest kernel with the user bit set in the error code; `syscall` is a system call of the guest's, never a
 * hypercall; and instructions that the hypervisor would emulate for the kernel are a general-protection fault.
 */
#include "test.h"

enum {
    READ_KERNEL,
    READ_HYPERVISOR,
    READ_M2P_WRITE,
    HYPERCALL,
    CLI,
    HLT,
    MOV_CR3,
    RDMSR,
    IN,
    EXECUTE_KERNEL
};

USER static void misbehave(u64 what, u64 address)
{
    switch (what) {
    case READ_KERNEL:
    case READ_HYPERVISOR:
        *(volatile u64 *)address;
        break;
    case READ_M2P_WRITE:
        *(volatile u64 *)address = 1;
        break;
    case HYPERCALL:
        user_syscall(__HYPERVISOR_console_io, CONSOLEIO_write, 1);
        break;
    case CLI:
        __asm__ volatile("cli");
        break;
    case HLT:
        __asm__ volatile("hlt");
        break;
    case MOV_CR3:
        __asm__ volatile("mov %%cr3, %%rax" : : : "rax");
        break;
    case RDMSR:
        __asm__ volatile("rdmsr" : : "c"(0xc0000102) : "rax", "rdx");
        break;
    case IN:
        __asm__ volatile("inb $0x61, %%al" : : : "rax");
        break;
    default:
        ((void (*)(void))address)();
    }
    user_syscall(99, 0, 0);
}

static struct trap_frame run(const struct user_space *space, u64 what, u64 address)
{
    struct trap_frame context;

    user_context_init(&context, misbehave, what);
    context.rsi = address;
    user_run(space, &context);
    return context;
}

static void page_fault(const struct user_space *space, u64 what, u64 address, u64 error)
{
    struct trap_frame context = run(space, what, address);

    CHECK_EQ(context.vector, TRAP_PF);
    CHECK_EQ(context.error, error);
    CHECK_EQ(shared_info->vcpu_info[0].arch.cr2, address);
}

TEST
{
    struct user_space space;

    user_space_init(&space);
    page_fault(&space, READ_KERNEL, (u64)&test_result, PF_USER);
    page_fault(&space, EXECUTE_KERNEL, (u64)yield,
               PF_USER | (run(&space, EXECUTE_KERNEL, (u64)yield).error & PF_INSN));
    CHECK_EQ(run(&space, READ_HYPERVISOR, HYPERVISOR_VIRT_START + GIB(2 * 1024)).vector, TRAP_PF);
    CHECK_EQ(run(&space, READ_M2P_WRITE, MACH2PHYS_VIRT_START).vector, TRAP_PF);
    struct trap_frame call = run(&space, HYPERCALL, 0);
    CHECK_EQ(call.vector, TRAP_SYSCALL);
    CHECK_EQ(call.rax, __HYPERVISOR_console_io);
    for (u64 what = CLI; what <= IN; what++)
        CHECK_EQ(run(&space, what, 0).vector, TRAP_GP);
}
