/*
 * Debug registers: the guest's own values, checked so that no breakpoint is ever set on the hypervisor.
 *
 * DR0 to DR3 hold addresses of the guest's; DR6 and DR7 read back; a breakpoint set in DR7 fires as a #DB in the guest. An address in
 * the hypervisor's range, and a register that does not exist, are refused. Source: set/get_debugreg in the checklist, section 3.
 */
#include "test.h"

static volatile u64 watched;
static volatile unsigned int hits;

static bool hit(struct trap_frame *frame)
{
    (void)frame;
    hits++;
    return true;
}

TEST
{
    for (u64 reg = 0; reg < 4; reg++) {
        CHECK_RC(set_debugreg(reg, (u64)&watched + 8 * reg), 0);
        CHECK_EQ(get_debugreg(reg), (u64)&watched + 8 * reg);
        CHECK_REFUSED(set_debugreg(reg, HYPERVISOR_VIRT_START));
        CHECK_REFUSED(set_debugreg(reg, HYPERVISOR_VIRT_END - 8));
        CHECK_REFUSED(set_debugreg(reg, 0x0000800000000000));
        CHECK_EQ(get_debugreg(reg), (u64)&watched + 8 * reg);
    }
    CHECK_REFUSED(set_debugreg(8, 0));
    CHECK_REFUSED(set_debugreg(99, 0));
    CHECK_REFUSED(get_debugreg(99));

    trap_handle(TRAP_DB, hit);
    CHECK_RC(set_debugreg(0, (u64)&watched), 0);
    CHECK_RC(set_debugreg(7, 0x000d0701), 0); /* DR0: writes of 8 bytes... 4-byte length bits 11 */
    watched = 5;
    CHECK_EQ(hits, 1);
    CHECK_RC(set_debugreg(7, 0), 0);
    watched = 6;
    CHECK_EQ(hits, 1);
    CHECK_RC(set_debugreg(6, 0), 0);
}
