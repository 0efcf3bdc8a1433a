/*
 * update_descriptor looks at what the descriptor would let the guest do.
 *
 * Code and data segments are made DPL 3, whatever the guest wrote: rings 0 to 2 are not its. System segments and gates are refused,
 * for they load registers of the hypervisor. What is not present is not looked at. Source: "descriptor check", checklist section 4.
 */
#include "test.h"

#define CODE_64(dpl) (0x00af9a000000ffffUL | (u64)(dpl) << 45)
#define DATA_32(dpl) (0x00cf92000000ffffUL | (u64)(dpl) << 45)

TEST
{
    u64 *gdt = page_alloc(), mfn = ptr_mfn(gdt), *plain = page_alloc();

    page_readonly(gdt);
    SETUP(set_gdt(&mfn, 512) == 0);
    for (u64 dpl = 0; dpl < 4; dpl++) {
        s64 rc = update_descriptor(ptr_maddr(&gdt[4]), DATA_32(dpl));

        CHECK(rc == 0 || dpl < 3);
        if (rc == 0)
            CHECK_EQ(gdt[4] >> 45 & 3, 3);
        rc = update_descriptor(ptr_maddr(&gdt[5]), CODE_64(dpl));
        CHECK(rc == 0 || dpl < 3);
        if (rc == 0)
            CHECK_EQ(gdt[5] >> 45 & 3, 3);
    }
    for (u64 type = 1; type < 16;
         type++) /* system types; 12 is a call gate; 0 is the second half of one, and harmless */
        if (type != 12)
            CHECK_REFUSED(update_descriptor(ptr_maddr(&gdt[6]), 0x0000e00000000000UL | type << 40));
    CHECK_REFUSED(update_descriptor(ptr_maddr(&gdt[6]),
                                    0x0000ec00e008ffffUL)); /* a call gate into the hypervisor */
    CHECK_RC(update_descriptor(ptr_maddr(&gdt[6]), 0x0000690000000000UL),
             0); /* a TSS, not present */

    CHECK_REFUSED(update_descriptor(ptr_maddr(&gdt[6]) + 4, 0));
    CHECK_REFUSED(update_descriptor(foreign_mfn() << PAGE_SHIFT, 0));
    CHECK_REFUSED(update_descriptor((BIT(40) - 1) << PAGE_SHIFT, 0));
    CHECK_REFUSED(update_descriptor(current_l4() << PAGE_SHIFT, 0));
    CHECK_RC(update_descriptor(ptr_maddr(&plain[1]), DATA_32(3)), 0);
    CHECK_EQ(plain[1], DATA_32(3));
}
