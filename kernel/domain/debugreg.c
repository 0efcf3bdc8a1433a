/*
 * Debug registers of a vCPU: see debugreg.h. Bits: SDM vol. 3, 17.2.
 *
 * The hardware holds them only while DR7 enables something; context_load() (domain/context.c) does
 * the rest. A watched address that the hypervisor itself touches raises #DB in ring 0, which is
 * ignored there.
 */
#include "domain/debugreg.h"

#include "abi/errno.h"
#include "lib/trace.h"

#define DR6_ZEROS   0x1000UL
#define DR6_ONES    0xffff0ff0UL
#define DR7_ZEROS   0xd800UL
#define DR7_ONES    0x400UL
#define DR7_GD      0x2000UL
#define DR7_ENABLES 0xffUL
#define DR7_RW_IO   2 /* kind of breakpoint: port access, only with CR4.DE */

/*
 * An address that the hypervisor never uses. Above the lower half and below its range there is
 * nothing canonical.
 */
static bool breakpoint_ok(u64 address)
{
    return address < 0x0000800000000000UL || address >= HYP_VA_END;
}

/*
 * Breakpoints on ports would have to be emulated, as guests' port accesses are. Without CR4.DE they
 * don't exist; with it we refuse them.
 */
static bool dr7_has_io(u64 value)
{
    for (u32 i = 0; i < 4; i++)
        if ((value >> (16 + 4 * i) & 3) == DR7_RW_IO)
            return true;
    return false;
}

bool debugreg_check(u32 reg, u64 *value)
{
    if (reg <= 3)
        return breakpoint_ok(*value);
    if (*value >> 32)
        return false;
    if (reg == 6) {
        *value = (*value & ~DR6_ZEROS) | DR6_ONES;
        return true;
    }
    *value = (*value & ~DR7_ZEROS) | DR7_ONES;
    return !(*value & DR7_GD) && (!(*value & DR7_ENABLES) || !dr7_has_io(*value));
}

static void hardware_write(u32 reg, u64 value)
{
    switch (reg) {
    case 0:
        asm volatile("mov %0, %%dr0" ::"r"(value));
        break;
    case 1:
        asm volatile("mov %0, %%dr1" ::"r"(value));
        break;
    case 2:
        asm volatile("mov %0, %%dr2" ::"r"(value));
        break;
    case 3:
        asm volatile("mov %0, %%dr3" ::"r"(value));
        break;
    case 6:
        asm volatile("mov %0, %%dr6" ::"r"(value));
        break;
    case 7:
        asm volatile("mov %0, %%dr7" ::"r"(value));
        break;
    }
}

s64 debugreg_set(struct vcpu *v, u32 reg, u64 value)
{
    u64 *shadow = v->ctx.debugreg;

    if (reg > 7)
        return refuse(-XEN_ENODEV, reg);
    if (reg == 4 || reg == 5) /* other names of 6 and 7, as CR4.DE is off */
        reg += 2;
    if (!debugreg_check(reg, &value))
        return refuse(-XEN_EPERM, value);
    bool was_active = shadow[7] & DR7_ENABLES;
    shadow[reg] = value;
    if (was_active || (reg == 7 && (value & DR7_ENABLES))) {
        if (!was_active) /* the others come with the first breakpoint that is switched on */
            for (u32 i = 0; i <= 6; i++)
                hardware_write(i, shadow[i]);
        hardware_write(reg, value);
    }
    return 0;
}

bool debugreg_get(const struct vcpu *v, u32 reg, u64 *value)
{
    if (reg > 7)
        return false;
    if (reg == 4 || reg == 5)
        reg += 2;
    *value = v->ctx.debugreg[reg];
    return true;
}
