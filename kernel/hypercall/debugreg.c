/*
 * set_debugreg(reg, value) and get_debugreg(reg): the running vCPU's debug registers. The rules
 * stand in domain/debugreg.c.
 */
#include "domain/debugreg.h"
#include "hypercall/handlers.h"

s64 hc_set_debugreg(u64 reg, u64 value, u64 a3, u64 a4, u64 a5, u64 a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    return debugreg_set(current_vcpu(), reg, value);
}

s64 hc_get_debugreg(u64 reg, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    u64 value;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (!debugreg_get(current_vcpu(), reg, &value))
        return refuse(-XEN_ENODEV, reg);
    return value;
}
