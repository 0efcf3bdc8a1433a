/* Writable page tables: see ptwr.h. */
#include "domain/ptwr.h"

enum ptwr_result ptwr_fault(struct vcpu *v, struct regs *regs, u64 va)
{
    (void)v, (void)regs, (void)va;
    return PTWR_NOT_MINE;
}
