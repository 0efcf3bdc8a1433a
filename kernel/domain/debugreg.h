/*
 * A vCPU's debug registers (SDM vol. 3, 17.2): what a guest may put into them. No breakpoint may
 * lie in the hypervisor, and general detect (DR7.GD), which would trap the hypervisor's own
 * accesses, stays off.
 */
#ifndef KOAN_DOMAIN_DEBUGREG_H
#define KOAN_DOMAIN_DEBUGREG_H

#include "domain/domain.h"

/*
 * 0, -XEN_EPERM for a value that may not be, or -XEN_ENODEV for a register that is not there. In
 * use at once. v is the running vCPU.
 */
s64 debugreg_set(struct vcpu *v, u32 reg, u64 value);
bool debugreg_get(const struct vcpu *v, u32 reg, u64 *value);

/*
 * The check alone: true if register 0..3, 6 or 7 may have the value; reserved bits are put right.
 */
bool debugreg_check(u32 reg, u64 *value);

/* What DR6 and DR7 hold at reset. */
#define DR6_RESET 0xffff0ff0UL
#define DR7_RESET 0x400UL

#endif
