/*
 * I/O ports: the virtual I/O privilege level decides, as the real one is always 0.
 *
 * The guest's kernel counts as ring 1, its user mode as ring 3. Below the level IN, OUT, CLI and
 * STI fault; from it on CLI and STI do nothing, and for a domain without devices IN gives all ones
 * and OUT goes nowhere. Source: PHYSDEVOP_set_iopl; checklist section 4.
 */
#include "test.h"

#define AND , /* between two outputs of TRY_IO */

static u8 buffer[100];

static void set_iopl(u32 level)
{
    struct physdev_set_iopl op = { .iopl = level };

    CHECK_RC(hypercall(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, (u64)&op, 0, 0, 0), 0);
}

USER static void user_in(u64 argument)
{
    __asm__ volatile("inb $0x80, %%al\n\tcli\n\tint3" : "+a"(argument));
}

static void closed(void)
{
    CHECK_TRAP(TRY("inb $0x80, %%al"), TRAP_GP);
    CHECK_TRAP(TRY("outb %%al, $0x80"), TRAP_GP);
    CHECK_TRAP(TRY("cli"), TRAP_GP);
    CHECK_TRAP(TRY("sti"), TRAP_GP);
}

static void values(void)
{
    u64 rax = 0x1122334455667788;

    CHECK_NO_TRAP(TRY_IO("inb $0x80, %%al", "+a"(rax)));
    CHECK_EQ(rax, 0x11223344556677ff);
    CHECK_NO_TRAP(TRY_IO("inw $0x80, %%ax", "+a"(rax)));
    CHECK_EQ(rax, 0x112233445566ffff);
    CHECK_NO_TRAP(TRY_IO("inl $0x80, %%eax", "+a"(rax)));
    CHECK_EQ(rax, 0xffffffff);
}

static void strings(void)
{
    u64 rdi = (u64)buffer, rcx = sizeof(buffer);

    CHECK_NO_TRAP(TRY_IO("rep insb", "+D"(rdi)AND "+c"(rcx), "d"(0x80)));
    CHECK_EQ(rdi, (u64)buffer + sizeof(buffer));
    CHECK_EQ(rcx, 0);
    for (u32 i = 0; i < sizeof(buffer); i++)
        CHECK_EQ(buffer[i], 0xff);
    rdi = 0x1000; /* nothing is there */
    rcx = 2;
    CHECK_TRAP(TRY_IO("rep insb", "+D"(rdi)AND "+c"(rcx), "d"(0x80)), TRAP_PF);
    CHECK_EQ(trap_last.cr2, 0x1000);
    CHECK_EQ(trap_last.error, PF_WRITE);
}

TEST
{
    struct user_space space;
    struct trap_frame context;

    closed();
    set_iopl(1);
    CHECK_NO_TRAP(TRY("cli"));
    CHECK_NO_TRAP(TRY("sti"));
    CHECK_NO_TRAP(TRY("outb %%al, $0x80"));
    if (!guest_is_privileged()) {
        values();
        strings();
    }
    user_space_init(&space);
    user_context_init(&context, user_in, 0);
    CHECK_EQ(user_run(&space, &context), TRAP_GP);
    set_iopl(3);
    user_context_init(&context, user_in, 0);
    CHECK_EQ(user_run(&space, &context), TRAP_BP);
    set_iopl(0);
    closed();
}
