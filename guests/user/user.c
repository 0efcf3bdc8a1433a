/*
 * A guest with processes: two programs in guest user mode, each in an address space of its own, and a kernel that takes turns
 * between them. Guest kernel and guest user both run in ring 3; the hypervisor switches the L4 on every way in and out.
 *
 * System calls: 1 print a number, 2 give the CPU away, 3 exit. A program that traps is ended.
 */
#include "user.h"

enum { SYS_PRINT = 1, SYS_YIELD, SYS_EXIT };

struct process {
    const char *name;
    struct user_space space;
    struct trap_frame context;
    bool ended;
};

/* What runs in user mode. The stack is all the memory it has. */
USER static void squares(u64 count)
{
    for (u64 i = 1; i <= count; i++) {
        user_syscall(SYS_PRINT, i * i, 0);
        user_syscall(SYS_YIELD, 0, 0);
    }
    user_syscall(SYS_EXIT, 0, 0);
}

/* Works for a while, then reaches for the kernel's memory. */
USER static void thief(u64 address)
{
    user_syscall(SYS_PRINT, 1, 0);
    user_syscall(SYS_YIELD, 0, 0);
    user_syscall(SYS_PRINT, *(volatile u64 *)address, 0);
    user_syscall(SYS_EXIT, 0, 0);
}

static void process_start(struct process *p, const char *name, void *program, u64 argument)
{
    p->name = name;
    user_space_init(&p->space);
    user_context_init(&p->context, program, argument);
}

/* Run one until it gives the CPU away or ends. */
static void process_turn(struct process *p)
{
    for (;;) {
        u64 why = user_run(&p->space, &p->context);

        if (why != TRAP_SYSCALL) {
            print("%s: ended by trap %lu at %#lx, address %#lx\n", p->name, why, p->context.rip,
                  shared_info->vcpu_info[0].arch.cr2);
            p->ended = true;
            return;
        }
        switch (p->context.rax) {
        case SYS_PRINT:
            print("%s: %lu\n", p->name, p->context.rdi);
            break;
        case SYS_EXIT:
            print("%s: done\n", p->name);
            p->ended = true;
            return;
        default:
            return;
        }
    }
}

int main(void)
{
    static struct process processes[2];

    process_start(&processes[0], "squares", squares, 4);
    process_start(&processes[1], "thief", thief, (u64)&processes);
    while (!processes[0].ended || !processes[1].ended)
        for (size_t i = 0; i < ARRAY_SIZE(processes); i++)
            if (!processes[i].ended)
                process_turn(&processes[i]);
    return 0;
}
