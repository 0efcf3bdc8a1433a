/*
 * A guest without a will of its own: it makes ready what a test needs, comes to obey(), and does nothing more. From there on the grader
 * (../puppet.py) sets its registers, points it at one of the instructions below and lets it run to where it has to come out: behind the
 * instruction, or at one of the pads, to which all handlers of the guest are set. Memory is read and written from outside. So there is
 * nothing in here that a kernel could forge with profit.
 *
 * What it makes ready: a user address space that knows the page .user and USER_STACK; four pages in a row at `window`, of which the third is
 * mapped nowhere and the fourth can't be written, with PAGES spare pages to map; a pinned table of level 1 below SCRATCH_VA.
 */
#include "event.h"
#include "grant.h"
#include "mailbox.h"
#include "time.h"
#include "user.h"

MAILBOX

#define PAGES 8

/* In one place each, so that the grader can wait in front of them and behind them. */
#define GADGET(name, text)                                                                         \
    ".globl g_" name ", g_" name "_end\ng_" name ": " text "\ng_" name "_end: nop\n"               \
    "1: pause\njmp 1b\n"
#define GADGETS(prefix)                                                                            \
    GADGET(prefix "syscall", "syscall")                                                            \
    GADGET(prefix "ud2", "ud2")                                                                    \
    GADGET(prefix "int3", "int3")                                                                  \
    GADGET(prefix "div", "divl %ecx")                                                              \
    GADGET(prefix "hlt", "hlt")                                                                    \
    GADGET(prefix "int80", "int $0x80")                                                            \
    GADGET(prefix "int99", "int $0x63")                                                            \
    GADGET(prefix "load", "movq (%rsi), %rax")                                                     \
    GADGET(prefix "store", "movq %rax, (%rdi)")                                                    \
    GADGET(prefix "jump", "jmp *%rsi")                                                             \
    GADGET(prefix "spin", "nop")

__asm__(".text\n" GADGETS(""));
__asm__(".section .user, \"ax\"\n" GADGETS("u_"));
/* All handlers of the guest are among these; one lies in each 16 bytes. Behind the first instruction, rdx:rax is the time of arrival. */
__asm__(
    ".text\n.balign 16\n.globl g_pads\ng_pads:\n.rept 512\nrdtsc\n1: pause\njmp 1b\n.balign 16\n.endr\n");

/*
 * Three calls whose times are counted from now, and a wait, all without a stop: a machine that stands lets its clock jump. r12 = the time
 * stamp; r13 and r14, unless 0, count from it from then on, and go to the words 0 and 8 of the page at rbx. The calls' number, three arguments and
 * answer stand there at 128, 168 and 208; what set_timer_op (15) is called with is r13 in the first, r14 in the second. At the end spins until r15.
 */
#define ALARM_CALL(at, time)                                                                       \
    "movq " #at "(%rbx), %rax\nmovq " #at "+8(%rbx), %rdi\nmovq " #at "+16(%rbx), %rsi\n"          \
    "movq " #at "+24(%rbx), %rdx\ncmpq $15, %rax\ncmoveq %" #time ", %rdi\nsyscall\n"              \
    "movq %rax, " #at "+32(%rbx)\n"
__asm__(
    ".text\n.globl g_alarm, g_alarm_end\ng_alarm: rdtsc\nshlq $32, %rdx\norq %rdx, %rax\n"
    "movq %rax, %r12\naddq %rax, %r15\ntestq %r13, %r13\njz 1f\naddq %rax, %r13\n"
    "1: testq %r14, %r14\njz 2f\naddq %rax, %r14\n2: movq %r13, (%rbx)\nmovq %r14, 8(%rbx)\n" ALARM_CALL(
        128, r13) ALARM_CALL(168, r14)
        ALARM_CALL(208, r15) "rdtsc\nshlq $32, %rdx\norq %rdx, %rax\nmovq %rax, %r11\n"
                             "3: rdtsc\nshlq $32, %rdx\norq %rdx, %rax\ncmpq %r15, %rax\njb 3b\n"
                             "g_alarm_end: nop\n1: pause\njmp 1b\n");

extern u8 g_pads[];

/* For the grader: where things are. */
volatile struct puppet {
    u64 window; /* four pages */
    u64 user_l4;
    u64 spare_mfn[PAGES], spare_va[PAGES];
    u64 window_mfn[4];
    u64 scratch_l1; /* machine address of the entry that maps SCRATCH_VA */
    u64 grant_table, shared_info;
} puppet;

static u8 window[4 * PAGE_SIZE] ALIGNED(PAGE_SIZE);
static struct user_space space;

NOINLINE void obey(void);
NOINLINE void obey(void)
{
    for (;;)
        __asm__ volatile("pause" : : : "memory");
}

int main(void)
{
    u64 page = pfn_alloc();

    mailbox_open();
    user_space_init(&space);
    if (mmuext_one(MMUEXT_NEW_USER_BASEPTR, space.l4_mfn))
        guest_panic("user mode can't be entered");
    puppet.user_l4 = space.l4_mfn;
    puppet.window = (u64)window;
    for (u32 i = 0; i < 4; i++)
        puppet.window_mfn[i] = ptr_mfn(window + i * PAGE_SIZE);
    for (u32 i = 0; i < PAGES; i++) {
        u64 *spare = page_alloc();

        puppet.spare_va[i] = (u64)spare;
        puppet.spare_mfn[i] = ptr_mfn(spare);
    }
    page_unmap(window + 2 * PAGE_SIZE);
    page_readonly(window + 3 * PAGE_SIZE);
    map(SCRATCH_VA, pfn_mfn(page), PTE_RO_PAGE);
    if (update_va_mapping(SCRATCH_VA, 0, UVMF_INVLPG) != 0)
        guest_panic("the scratch page could not be emptied");
    puppet.scratch_l1 = ptr_maddr(pte_of(SCRATCH_VA, 1));
    puppet.grant_table = (u64)grant_table(1);
    puppet.shared_info = (u64)shared_info;
    obey();
    return 0;
}
