/*
 * Control and debug registers, read and written by the guest's kernel in ring 3: emulated, as far
 * as they are the guest's.
 *
 * Of CR0 only TS can be changed, CR2 is the address of the last page fault, CR4 holds nothing that
 * a guest could switch. No breakpoint may lie in the hypervisor. HLT, INVLPG and others have
 * hypercalls instead, and nothing of it is for user mode. Source: Xen 4.17.
 */
#include "test.h"

#define CR0_TS  BIT(3)
#define CR0_WP  BIT(16)
#define CR4_PAE BIT(5)

#define READ(reg, value)  TRY_IO("mov %%" #reg ", %0", "=r"(value))
#define WRITE(reg, value) TRY_IO("mov %0, %%" #reg, , "r"((u64)(value)))

static void control_registers(void)
{
    u64 cr0, now, cr2, cr3, cr4;

    CHECK_NO_TRAP(READ(cr0, cr0));
    CHECK_EQ(cr0 & (CR0_WP | BIT(31) | BIT(0)),
             CR0_WP | BIT(31) | BIT(0)); /* paging and protection are on */
    CHECK_NO_TRAP(WRITE(cr0, cr0 | CR0_TS));
    CHECK_TRAP(TRY("fninit"), TRAP_NM);
    CHECK_NO_TRAP(READ(cr0, now)); /* the exception has cleared it */
    CHECK_EQ(now, cr0 & ~CR0_TS);
    CHECK_NO_TRAP(WRITE(cr0, cr0 | CR0_TS));
    CHECK_NO_TRAP(TRY("clts"));
    CHECK_NO_TRAP(TRY("fninit"));
    CHECK_TRAP(WRITE(cr0, cr0 & ~CR0_WP), TRAP_GP);

    CHECK(probe_read64(0x123456789000, NULL));
    CHECK_NO_TRAP(READ(cr2, cr2));
    CHECK_EQ(cr2, 0x123456789000);
    CHECK_NO_TRAP(READ(cr3, cr3));
    CHECK_EQ(cr3 >> PAGE_SHIFT, current_l4());
    CHECK_NO_TRAP(READ(cr4, cr4));
    CHECK(cr4 & CR4_PAE);
    CHECK_NO_TRAP(WRITE(cr4, 0)); /* nothing to switch off */
    CHECK_NO_TRAP(READ(cr4, now));
    CHECK_EQ(now, cr4);
    CHECK_TRAP(READ(cr8, now), TRAP_GP);
}

static void debug_registers(void)
{
    u64 value;

    CHECK_NO_TRAP(WRITE(dr1, 0x123000));
    CHECK_NO_TRAP(READ(dr1, value));
    CHECK_EQ(value, 0x123000);
    CHECK_TRAP(WRITE(dr1, HYPERVISOR_VIRT_START), TRAP_GP);
    CHECK_TRAP(WRITE(dr7, 0x2400),
               TRAP_GP); /* general detect would trap the hypervisor's own accesses */
    CHECK_NO_TRAP(READ(dr7, value));
    CHECK_EQ(value, 0x400);
    CHECK_NO_TRAP(READ(dr6, value));
    CHECK_EQ(value, 0xffff0ff0);
}

USER static void user_clts(u64 argument)
{
    __asm__ volatile("clts" : : "a"(argument));
}

TEST
{
    struct user_space space;
    struct trap_frame context;

    control_registers();
    debug_registers();
    CHECK_NO_TRAP(TRY("wbinvd"));
    CHECK_TRAP(TRY("invd"), TRAP_GP);
    CHECK_TRAP(TRY("hlt"), TRAP_GP);
    CHECK_TRAP(TRY("invlpg (%%rsp)"), TRAP_GP);
    CHECK_TRAP(TRY("swapgs"), TRAP_GP);

    user_space_init(&space);
    user_context_init(&context, user_clts, 0);
    CHECK_EQ(user_run(&space, &context), TRAP_GP); /* none of it for user mode */
}
