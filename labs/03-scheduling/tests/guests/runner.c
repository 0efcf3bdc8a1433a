/*
 * Takes all the CPU that it gets, with random values in everything that a guest has in a CPU: general registers, flags, FPU, segment
 * registers and bases. It counts in a register, and each step also mixes another one by this run's numbers; both go to memory at each step.
 * So who would change a count without running the guest has to change the mix, too.
 *
 * in[0]: not 0: out of the loop, all of the CPU's state to `after`, checkpoint 2, and in again.
 * Words of the command line: yields (gives the CPU away every 64 steps); sleep=HEX (sleeps for so many ns first); flat=HEX (bits 0 to 3:
 * ds, es, fs and gs have a selector that is not null; else as drawn).
 * The grader knows the values: it draws the same numbers from the same seed (tests/runners.py).
 */
#include "mailbox.h"
#include "time.h"

MAILBOX

/* As the assembler below has it. */
struct state {
    u64 rdx, rcx, rax, rdi, rsi, rbp, r8, r9, r10, r11; /* 0..9 */
    u64 count, mix, factor, step;                       /* 10..13: r12 to r15 */
    u64 none;                                           /* 14 */
    u64 mxcsr, fcw;                                     /* 15, 16 */
    u64 st0;                                            /* 17 */
    u64 xmm[32];                                        /* 18..49 */
    u64 ds, es;                                         /* 50, 51 */
    u64 fs_word, gs_word;                               /* 52, 53: what stands at 0 of each */
    u64 gs_user;                                        /* 54: the other GS base */
    u64 fs, gs;                                         /* 55, 56: selectors, under the bases */
};

struct state before, after;
volatile u64 mixed[2]; /* the count and the mix as one pair */
static u64 words[512] ALIGNED(4096);

void run_spinning(void);
void run_yielding(void);

#define ALL(x)      x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15)
#define LOAD_XMM(n) "movdqu (18+2*" #n ")*8(%rax), %xmm" #n "\n"
#define SAVE_XMM(n) "movdqu %xmm" #n ", (18+2*" #n ")*8(%rax)\n"

#define BEGIN                                                                                      \
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"                           \
    "lea before(%rip), %rax\n"                                                                     \
    "fninit; fldl 17*8(%rax); fldcw 16*8(%rax); ldmxcsr 15*8(%rax)\n"
#define LOAD                                                                                       \
    "mov 0*8(%rax), %rdx; mov 1*8(%rax), %rcx; mov 3*8(%rax), %rdi; mov 4*8(%rax), %rsi\n"         \
    "mov 5*8(%rax), %rbp; mov 6*8(%rax), %r8; mov 7*8(%rax), %r9; mov 8*8(%rax), %r10\n"           \
    "mov 9*8(%rax), %r11; mov 10*8(%rax), %r12; mov 11*8(%rax), %r13; mov 12*8(%rax), %r14\n"      \
    "mov 13*8(%rax), %r15; mov 2*8(%rax), %rax\n"                                                  \
    "lea mailbox(%rip), %rbx\n"
/* With the two of the loop 8 instructions (STEP_INSTRUCTIONS in tests/runners.py). rbx: the mailbox. */
#define STEP                                                                                       \
    "inc %r12; imul %r14, %r13; add %r15, %r13\n"                                                  \
    "mov %r12, mixed(%rip); mov %r13, mixed+8(%rip); mov %r12, 16(%rbx)\n"
#define SAVE                                                                                       \
    "push %rax; lea after(%rip), %rax\n"                                                           \
    "mov %rdx, 0*8(%rax); mov %rcx, 1*8(%rax); mov %rdi, 3*8(%rax); mov %rsi, 4*8(%rax)\n"         \
    "mov %rbp, 5*8(%rax); mov %r8, 6*8(%rax); mov %r9, 7*8(%rax); mov %r10, 8*8(%rax)\n"           \
    "mov %r11, 9*8(%rax); mov %r12, 10*8(%rax); mov %r13, 11*8(%rax); mov %r14, 12*8(%rax)\n"      \
    "mov %r15, 13*8(%rax); pop %rdx; mov %rdx, 2*8(%rax)\n"
#define END                                                                                        \
    "stmxcsr 15*8(%rax); fnstcw 16*8(%rax); fstpl 17*8(%rax)\n"                                    \
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"

asm(".globl run_spinning, run_yielding\n"
    "run_spinning:\n" BEGIN ALL(LOAD_XMM) LOAD "1:\n" STEP
                                               "cmpq $0, 24(%rbx); je 1b\n" SAVE ALL(SAVE_XMM) END
    "run_yielding:\n" BEGIN ALL(LOAD_XMM) LOAD
    "1:\n" STEP "cmpq $0, 24(%rbx); jne 2f\n"
    "test $63, %r12b; jnz 1b\n"
    "push %rax; push %rcx; push %rdi; push %rsi; push %r11\n"
    "xor %edi, %edi; xor %esi, %esi; call hypercall_page + 29 * 32\n" /* SCHEDOP_yield */
    "pop %r11; pop %rsi; pop %rdi; pop %rcx; pop %rax\n"
    "jmp 1b\n2:\n" SAVE ALL(SAVE_XMM) END);

static u64 segment_base(u64 which, u64 base)
{
    return (u64)hypercall(__HYPERVISOR_set_segment_base, which, base, 0, 0, 0);
}

/* The four selectors: null, or not, as drawn or as the command line says. */
static void fill_selectors(void)
{
    u64 *const selectors[] = { &before.ds, &before.es, &before.fs, &before.gs };
    char text[20];
    bool told = cmdline_value("flat", text, sizeof(text));
    u64 flat = told ? hex_word("flat") : 0;

    for (u32 i = 0; i < 4; i++) {
        u64 drawn = next_random() & 1;

        *selectors[i] = (told ? flat >> i & 1 : drawn) ? FLAT_KERNEL_SS : 0;
    }
}

/* The order in which numbers are drawn is the grader's, too. */
static void fill(void)
{
    u64 *word = (u64 *)&before;
    u64 fs, gs;

    for (u32 i = 0; i < 14; i++)
        word[i] = next_random();
    before.count = 0;
    before.factor |= 1;
    before.mxcsr = 0x1f80 | (next_random() & 0xe040); /* all exceptions masked */
    before.fcw = 0x37f | (next_random() & 0xc00);
    before.st0 = (next_random() & 0x000fffffffffffff) | 0x4000000000000000; /* between 2 and 4 */
    for (u32 i = 0; i < 32; i++)
        before.xmm[i] = next_random();
    for (u32 i = 0; i < 512; i++)
        words[i] = next_random();
    fs = next_random() % 512;
    gs = next_random() % 512;
    before.gs_user = (next_random() & 0x7ffffffff000) | 0x1000;
    fill_selectors();
    before.fs_word = words[fs];
    before.gs_word = words[gs];
    asm volatile("mov %0, %%ds; mov %1, %%es" : : "r"((u32)before.ds), "r"((u32)before.es));
    asm volatile("mov %0, %%fs; mov %1, %%gs" : : "r"((u32)before.fs), "r"((u32)before.gs));
    if (segment_base(SEGBASE_FS, (u64)&words[fs]) ||
        segment_base(SEGBASE_GS_KERNEL, (u64)&words[gs]) ||
        segment_base(SEGBASE_GS_USER, before.gs_user))
        guest_panic("segment bases");
}

static void look_at_segments(void)
{
    u32 low, high;
    u16 ds, es, selector_fs, selector_gs;

    asm volatile("mov %%ds, %0; mov %%es, %1" : "=r"(ds), "=r"(es));
    asm volatile("mov %%fs, %0; mov %%gs, %1" : "=r"(selector_fs), "=r"(selector_gs));
    asm volatile("movq %%fs:0, %0; movq %%gs:0, %1" : "=r"(after.fs_word), "=r"(after.gs_word));
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0xc0000102)); /* KERNEL_GS_BASE */
    after.gs_user = (u64)high << 32 | low;
    after.ds = ds;
    after.es = es;
    after.fs = selector_fs;
    after.gs = selector_gs;
}

int main(void)
{
    bool yields = cmdline_has("yields");
    char text[20];

    mailbox_open();
    fill();
    checkpoint(1);
    if (cmdline_value("sleep", text, sizeof(text)))
        sleep_until(system_time() + hex_word("sleep"));
    for (;;) {
        if (yields)
            run_yielding();
        else
            run_spinning();
        look_at_segments();
        mailbox.in[0] = 0;
        checkpoint(2);
        before.count = after.count;
        before.mix = after.mix;
    }
}
