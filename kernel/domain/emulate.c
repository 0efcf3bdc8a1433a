/* Emulation of privileged instructions: see emulate.h. */
#include "domain/emulate.h"

#include "domain/cpuid.h"
#include "x86/usercopy.h"

bool emulate_gp(struct vcpu *v, struct regs *regs)
{
    (void)v, (void)regs;
    return false;
}

bool emulate_ud(struct vcpu *v, struct regs *regs)
{
    (void)v, (void)regs;
    return false;
}
