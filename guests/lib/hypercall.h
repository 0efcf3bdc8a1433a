/*
 * Hypercalls. Number in rax, arguments in rdi, rsi, rdx, r10, r8; `syscall` in guest kernel mode; result in rax. The instruction
 * itself loses rcx and r11. The registers of the arguments may come back changed: a long call that was stopped on its way runs
 * again with new ones (a list's rest, for instance). Everything else is kept.
 *
 * hypercall() takes any number and arguments, which hostile tests need; the functions below it give calls their types.
 */
#ifndef GUEST_HYPERCALL_H
#define GUEST_HYPERCALL_H

#include "abi/xen.h"
#include "abi/mmu.h"
#include "abi/memory.h"
#include "abi/sched.h"
#include "abi/vcpu.h"
#include "abi/version.h"
#include "abi/callback.h"
#include "abi/physdev.h"

static inline s64 hypercall(u64 number, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
    register u64 r10 __asm__("r10") = a4;
    register u64 r8 __asm__("r8") = a5;
    s64 result;

    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     : "a"(number)
                     : "rcx", "r11", "memory");
    return result;
}

/* The page of call stubs that the hypervisor filled: slot n calls hypercall n. */
extern u8 hypercall_page[PAGE_SIZE];

static inline s64 set_trap_table(const struct trap_info *table)
{
    return hypercall(__HYPERVISOR_set_trap_table, (u64)table, 0, 0, 0, 0);
}

static inline s64 mmu_update(const struct mmu_update *updates, u64 count, u32 *done, u32 domid)
{
    return hypercall(__HYPERVISOR_mmu_update, (u64)updates, count, (u64)done, domid, 0);
}

static inline s64 mmuext_op(const struct mmuext_op *ops, u64 count, u32 *done, u32 domid)
{
    return hypercall(__HYPERVISOR_mmuext_op, (u64)ops, count, (u64)done, domid, 0);
}

static inline s64 update_va_mapping(u64 va, u64 pte, u64 flags)
{
    return hypercall(__HYPERVISOR_update_va_mapping, va, pte, flags, 0, 0);
}

static inline s64 set_gdt(const u64 *mfns, u64 entries)
{
    return hypercall(__HYPERVISOR_set_gdt, (u64)mfns, entries, 0, 0, 0);
}

static inline s64 update_descriptor(u64 maddr, u64 descriptor)
{
    return hypercall(__HYPERVISOR_update_descriptor, maddr, descriptor, 0, 0, 0);
}

static inline s64 stack_switch(u64 ss, u64 sp)
{
    return hypercall(__HYPERVISOR_stack_switch, ss, sp, 0, 0, 0);
}

static inline s64 set_callbacks(u64 event, u64 failsafe, u64 syscall)
{
    return hypercall(__HYPERVISOR_set_callbacks, event, failsafe, syscall, 0, 0);
}

static inline s64 callback_op(u64 cmd, const void *arg)
{
    return hypercall(__HYPERVISOR_callback_op, cmd, (u64)arg, 0, 0, 0);
}

static inline s64 fpu_taskswitch(bool set)
{
    return hypercall(__HYPERVISOR_fpu_taskswitch, set, 0, 0, 0, 0);
}

static inline s64 set_debugreg(u64 reg, u64 value)
{
    return hypercall(__HYPERVISOR_set_debugreg, reg, value, 0, 0, 0);
}

static inline s64 get_debugreg(u64 reg)
{
    return hypercall(__HYPERVISOR_get_debugreg, reg, 0, 0, 0, 0);
}

static inline s64 set_segment_base(u64 which, u64 base)
{
    return hypercall(__HYPERVISOR_set_segment_base, which, base, 0, 0, 0);
}

static inline s64 memory_op(u64 cmd, void *arg)
{
    return hypercall(__HYPERVISOR_memory_op, cmd, (u64)arg, 0, 0, 0);
}

static inline s64 multicall(struct multicall_entry *list, u64 count)
{
    return hypercall(__HYPERVISOR_multicall, (u64)list, count, 0, 0, 0);
}

static inline s64 xen_version(u64 cmd, void *arg)
{
    return hypercall(__HYPERVISOR_xen_version, cmd, (u64)arg, 0, 0, 0);
}

static inline s64 console_io(u64 cmd, u64 count, const char *buffer)
{
    return hypercall(__HYPERVISOR_console_io, cmd, count, (u64)buffer, 0, 0);
}

static inline s64 vm_assist(u64 cmd, u64 type)
{
    return hypercall(__HYPERVISOR_vm_assist, cmd, type, 0, 0, 0);
}

static inline s64 sched_op(u64 cmd, const void *arg)
{
    return hypercall(__HYPERVISOR_sched_op, cmd, (u64)arg, 0, 0, 0);
}

static inline s64 vcpu_op(u64 cmd, u64 vcpu, void *arg)
{
    return hypercall(__HYPERVISOR_vcpu_op, cmd, vcpu, (u64)arg, 0, 0);
}

static inline s64 physdev_op(u64 cmd, void *arg)
{
    return hypercall(__HYPERVISOR_physdev_op, cmd, (u64)arg, 0, 0, 0);
}

#endif
