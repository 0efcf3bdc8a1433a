/*
 * The ways between guest user mode, guest kernel mode and the hypervisor: user programs, iret with odd frames, callbacks, and instructions that
 * the hypervisor emulates or bounces.
 */
#include "event.h"
#include "fuzz.h"
#include "user.h"

static struct user_space space;

/* ---- in user mode ---- */

static USER u64 user_calls(u64 n)
{
    return user_syscall(n, n, n);
}

static USER u64 user_int80(u64 n)
{
    __asm__ volatile("int $0x80" : "+a"(n)::"memory");
    return user_syscall(0, 0, 0);
}

static USER u64 user_traps(u64 n)
{
    switch (n % 8) {
    case 0:
        __asm__ volatile("ud2");
        break;
    case 1:
        __asm__ volatile("cli");
        break;
    case 2:
        *(volatile u64 *)n = n;
        break;
    case 3:
        __asm__ volatile("int3");
        break;
    case 4:
        __asm__ volatile("mov %w0, %%ss" ::"r"(n >> 8));
        break;
    case 5:
        __asm__ volatile("mov %w0, %%gs" ::"r"(n >> 8));
        break;
    case 6:
        __asm__ volatile("mov %0, %%rsp; push %0; syscall" ::"r"(n));
        break;
    default:
        __asm__ volatile("sysenter");
        break;
    }
    return user_syscall(n, 0, 0);
}

static void user(void)
{
    static void *const programs[] = { user_calls, user_int80, user_traps, user_traps };
    struct user_space other = space;
    struct trap_frame context;

    user_context_init(&context, programs[rnd_below(ARRAY_SIZE(programs))],
                      rnd_once_in(2) ? some_va() : rnd());
    if (rnd_once_in(8))
        context.rip = some_va();
    if (rnd_once_in(8))
        context.rsp = some_va();
    if (rnd_once_in(8))
        context.rflags = rnd();
    if (rnd_once_in(8))
        other.l4_mfn = deep_root();
    if (mmuext_one(MMUEXT_NEW_USER_BASEPTR, other.l4_mfn) == 0)
        user_run(&other, &context);
}

/* ---- iret ---- */

/* Seldom a segment of 32 bits: there the stack pointer is cut short, and the next trap is the end. */
static u64 code_selector(void)
{
    u64 selector = some_selector();

    return (selector & ~7UL) == 0xe020 && !rnd_once_in(64) ? 0xe033 : selector;
}

/* Go where the frame says. The next trap ends the step; so does arriving at the label. */
static void iret(void)
{
    u64 frame[9];

    mmuext_one(MMUEXT_NEW_USER_BASEPTR, space.l4_mfn);
    frame[0] = rnd();
    frame[1] = rnd();
    frame[2] = rnd();
    frame[3] = rnd_once_in(2) ? 0x100 : 0;
    frame[5] = rnd_once_in(2) ? FLAT_KERNEL_CS & ~3UL : code_selector();
    frame[6] = rnd_once_in(2) ? 0x202 : rnd();
    frame[8] = rnd_once_in(2) ? FLAT_KERNEL_SS : some_selector();
    __asm__ volatile("lea 1f(%%rip), %%rax\n"
                     "test %1, %1\n"
                     "cmovz %2, %%rax\n"
                     "mov %%rax, 32(%0)\n"
                     "mov %%rsp, 56(%0)\n"
                     "mov %%rsp, %%r12\n"
                     "mov %0, %%rsp\n"
                     "mov %3, %%eax\n"
                     "syscall\n"
                     "1: mov %%r12, %%rsp\n"
                     :
                     : "r"(frame), "r"(rnd_below(8)), "r"(some_va()), "i"(__HYPERVISOR_iret)
                     : "rax", "rcx", "r11", "r12", "memory", "cc");
}

/* The same without the hypervisor's help. */
static void iretq(void)
{
    u64 flags = rnd_once_in(4) ? rnd() & 0x3fffff : 0x202;

    __asm__ volatile("mov %%rsp, %%r12\n"
                     "push %0\n"
                     "push %%r12\n"
                     "push %1\n"
                     "push %2\n"
                     "lea 1f(%%rip), %%rax\n"
                     "push %%rax\n"
                     "iretq\n"
                     "1: mov %%r12, %%rsp\n"
                     :
                     : "r"(rnd_once_in(2) ? 0xe02b : some_selector()), "r"(flags),
                       "r"(rnd_once_in(2) ? 0xe033 : code_selector())
                     : "rax", "r12", "memory", "cc");
}

/* ---- where the hypervisor enters the guest ---- */

static void put_back(void)
{
    struct trap_info more[] = { { .vector = 0x30,
                                  .flags = 3 | TI_MASK_EVENTS,
                                  .cs = FLAT_KERNEL_CS,
                                  .address = trap_table_entries[32] },
                                { 0 } };

    set_callbacks((u64)event_entry, (u64)failsafe_entry, (u64)syscall_entry);
    trap_init();
    set_trap_table(more);
    stack_switch(FLAT_KERNEL_SS, vcpu_entry_stack());
}

/* The table and the callbacks, and the right ones again. */
static void callbacks(void)
{
    struct trap_info table[4] = { 0 };

    events_off(); /* another vCPU may send one at any time */
    for (u64 i = 0; i < 3; i++)
        table[i] = (struct trap_info){ .vector = (u8)(32 + rnd_below(200)),
                                       .flags = (u8)rnd(),
                                       .cs = (u16)some_selector(),
                                       .address = some_va() };
    set_trap_table(table);
    set_callbacks(some_va(), some_va(), some_va());
    put_back();
    struct callback_register r = { .type = (u16)rnd_below(10),
                                   .flags = (u16)rnd(),
                                   .address = some_va() };
    callback_op(rnd_below(3), rnd_once_in(8) ? (void *)some_va() : &r);
    stack_switch(some_word(), some_va());
    set_segment_base(rnd_below(5), some_va());
    put_back();
}

/* An int through one of the gates above or any other. */
static void interrupt(void)
{
    switch (rnd_below(4)) {
    case 0:
        TRY("int $0x80");
        break;
    case 1:
        TRY("int $0x30");
        break;
    case 2:
        TRY("int $14");
        break;
    default:
        TRY("int3");
        break;
    }
}

/* ---- instructions ---- */

static void privileged(void)
{
    u64 low, high = 0;
#define BOTH_HALVES "=a"(low)COMMA "=d"(high)

    switch (rnd_below(14)) {
    case 0:
        TRY("hlt");
        break;
    case 1:
        TRY_IO("rdmsr", BOTH_HALVES, "c"(rnd_once_in(2) ? 0xc0000080 + rnd_below(8) : some_word()));
        break;
    case 2:
        TRY_IO("wrmsr", , "c"(0xc0000100 + rnd_below(4)), "a"((u32)some_va()),
               "d"((u32)(some_va() >> 32)));
        break;
    case 3:
        TRY_IO("wrmsr", , "c"((u32)some_word()), "a"((u32)rnd()), "d"((u32)rnd()));
        break;
    case 4:
        TRY_IO("mov %0, %%cr4", , "r"(some_word()));
        break;
    case 5:
        TRY_IO("mov %%cr3, %0", "=r"(low), );
        TRY_IO("mov %0, %%cr3", , "r"(low)); /* another valid tree would be the end */
        break;
    case 6:
        TRY_IO("mov %0, %%cr0", , "r"(some_word()));
        break;
    case 7:
        TRY_IO("inl %w1, %k0", "=a"(low), "d"((u16)some_word()));
        break;
    case 8:
        TRY_IO("outb %b0, %w1", , "a"(rnd()), "d"((u16)(0x100 + rnd_below(0x200))));
        break;
    case 9:
        TRY_IO("push %%rbx; .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2; pop %%rbx",
               "=a"(low)COMMA "=d"(high), "a"(some_word()), "c"(some_word()));
        break;
    case 10:
        TRY_IO("invlpg (%0)", , "r"(some_va()));
        break;
    case 11:
        TRY("wbinvd");
        break;
    case 12:
        TRY_IO("xsetbv", , "c"(0), "a"((u32)rnd_below(8)), "d"(0));
        break;
    default:
        TRY("ud2");
        break;
    }
    (void)high, (void)low;
}

/* Breakpoints on data, code and I/O; then something that may run into them. */
static void debug_registers(void)
{
    set_debugreg(rnd_below(4), rnd_once_in(2) ? (u64)some_slot() : some_va());
    set_debugreg(7, rnd_once_in(2) ? 0x400 | rnd_below(256) | rnd_below(0x10000) << 16 : rnd());
    set_debugreg(6, rnd());
    get_debugreg(rnd_below(9));
    probe_write64((u64)some_slot(), rnd());
    TRY_IO("movw %w0, %%ss\n int3", , "r"(0xe02b));
}

static void fpu(void)
{
    fpu_taskswitch(rnd_once_in(2));
    TRY("fnop");
    TRY("fninit");
}

static bool no_more_events(struct trap_frame *frame)
{
    frame->rflags &= ~0x200UL; /* the iret masks them again */
    return true;
}

void modes_init(void)
{
    user_space_init(&space);
    trap_handle(TRAP_EVENT, no_more_events);
}

void modes_begin(void)
{
    put_back();
}

void step_modes(void)
{
    static void (*const steps[])(
        void) = { user,      user,       user,       iret,       iretq,           callbacks,
                  interrupt, privileged, privileged, privileged, debug_registers, fpu };

    put_back();
    steps[rnd_below(ARRAY_SIZE(steps))]();
}
