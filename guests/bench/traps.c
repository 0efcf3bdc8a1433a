/*
 * Entries as lean as a kernel's fast ones: the registers that C may change are saved, a small
 * handler in C runs, and the iret hypercall goes back. The frames are those that
 * guests/lib/entry.asm explains.
 */
#include "bench.h"

/* As the entries below build it; from rax on it is what the iret hypercall takes. */
struct lean_frame {
    u64 r10, r9, r8, rdx, rsi, rdi;
    u64 rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

void bench_ud(struct lean_frame *frame);
void bench_pf(struct lean_frame *frame);
void bench_syscall(struct lean_frame *frame);

void bench_ud(struct lean_frame *frame)
{
    frame->rip += 2; /* ud2 */
}

void bench_pf(struct lean_frame *frame)
{
    frame->flags = 0; /* the error code stood there */
    frame->rip += 3;  /* mov (%rdi), %rax */
}

void bench_syscall(struct lean_frame *frame)
{
    frame->rax = frame->rdi + 1;
}

/* `first` may turn away; `flags` pushes the flags of iret, unless an error code has their place. */
#define LEAN_ENTRY(entry, handler, first, flags)                                                   \
    __asm__(".text\n\t.balign 16\n\t.globl " entry "\n" entry ":\n\t" first                        \
            "pop %rcx\n\tpop %r11\n\t" flags "push %rcx\n\tpush %r11\n\tpush %rax\n\t"             \
            "push %rdi\n\tpush %rsi\n\tpush %rdx\n\tpush %r8\n\tpush %r9\n\tpush %r10\n\t"         \
            "cld\n\tmov %rsp, %rdi\n\tcall " handler "\n\t"                                        \
            "pop %r10\n\tpop %r9\n\tpop %r8\n\tpop %rdx\n\tpop %rsi\n\tpop %rdi\n\t"               \
            "mov $23, %eax\n\tsyscall\n\tud2\n")

static_assert(__HYPERVISOR_iret == 23 && VGCF_in_syscall == 0x100, "numbers in the texts here");

LEAN_ENTRY("bench_ud_entry", "bench_ud", "", "push $0\n\t");
LEAN_ENTRY("bench_pf_entry", "bench_pf", "", "");
LEAN_ENTRY("bench_syscall_entry", "bench_syscall", "test %eax, %eax\n\tjnz syscall_entry\n\t",
           "push $0x100\n\t");

/* Of an event: what it does is in events.c. */
LEAN_ENTRY("bench_event_entry", "bench_event", "", "push $0\n\t");

extern u8 bench_ud_entry[], bench_pf_entry[];

static void set_entries(u64 ud, u64 pf)
{
    struct trap_info table[] = {
        { .vector = TRAP_UD, .flags = TI_MASK_EVENTS, .cs = FLAT_KERNEL_CS, .address = ud },
        { .vector = TRAP_PF, .flags = TI_MASK_EVENTS, .cs = FLAT_KERNEL_CS, .address = pf },
        { 0 },
    };

    MUST(set_trap_table(table) == 0);
}

void traps_measured(void)
{
    set_entries((u64)bench_ud_entry, (u64)bench_pf_entry);
}

void traps_usual(void)
{
    set_entries(trap_table_entries[TRAP_UD], trap_table_entries[TRAP_PF]);
}
