/*
 * A data breakpoint and a single step at one instruction. QEMU raises two debug exceptions for them, the second before the first
 * instruction of the hypervisor's handler, on the same stack and so over the frame of the first.
 *
 * Where the guest was is lost then, and its end is all that is left; but a hypervisor that goes back to what it finds in the frame
 * goes round in circles there for ever, with interrupts off: any program of a guest could stop the machine. A CPU that makes one
 * exception of the two (Bochs's) brings the guest to its handler, which makes the hypervisor end the domain as well.
 */
#include "test.h"

static volatile u64 watched;

static bool on_debug(struct trap_frame *frame)
{
    (void)frame;
    set_trap_table(
        NULL); /* nobody to take the next exception: the hypervisor must end the domain */
    __asm__ volatile("ud2");
    return true;
}

TEST
{
    UNPRIVILEGED_ONLY(); /* Xen 4.17 under QEMU does go round in circles */
    trap_handle(TRAP_DB, on_debug);
    SETUP(set_debugreg(0, (u64)&watched) == 0);
    SETUP(set_debugreg(7, 0x000b0703) == 0);
    EXPECT_CRASH("a data breakpoint at a single step");
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; movq $1, %0; nop"
                     : "=m"(watched)
                     :
                     : "memory", "cc");
    TEST_FAIL("nothing happened");
}
