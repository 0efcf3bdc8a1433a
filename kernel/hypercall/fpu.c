/*
 * fpu_taskswitch(set): the guest's kernel changes its CR0.TS. Only bit-for-bit as Xen has it: any
 * non-zero (32-bit) argument sets.
 */
#include "domain/fpu.h"
#include "hypercall/handlers.h"

s64 hc_fpu_taskswitch(u64 set, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    fpu_taskswitch(current_vcpu(), (u32)set != 0);
    return 0;
}
