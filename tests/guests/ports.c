/*
 * Ports in an unprivileged domain: reads give all ones, writes go nowhere, as if no device were there.
 *
 * Linux probes dozens of ports when it starts. A dom0 has the real ones, so this is for the others. Nothing here may reach a device:
 * port 0xcf9 resets the machine, 0x64 too. Source: the checklist, section 4, "in/out".
 */
#include "test.h"

TEST
{
    struct physdev_set_iopl arg = { .iopl = 1 };
    u32 value = 0;

    UNPRIVILEGED_ONLY();
    SETUP(physdev_op(PHYSDEVOP_set_iopl, &arg) == 0);
    CHECK_NO_TRAP(TRY_IO("inb $0x61, %b0", "+a"(value), ));
    CHECK_EQ(value, 0xff);
    value = 0;
    CHECK_NO_TRAP(TRY_IO("inw %%dx, %w0", "+a"(value), "d"(0x70)));
    CHECK_EQ(value, 0xffff);
    CHECK_NO_TRAP(TRY_IO("inl %%dx, %0", "+a"(value), "d"(0xcfc)));
    CHECK_EQ(value, 0xffffffff);
    CHECK_NO_TRAP(TRY_IO("outb %b0, %%dx", , "a"(6), "d"(0xcf9)));
    CHECK_NO_TRAP(TRY_IO("outb %b0, $0x64", , "a"(0xfe)));
    CHECK_NO_TRAP(TRY_IO("outl %0, %%dx", , "a"(0), "d"(0xf4)));
}
