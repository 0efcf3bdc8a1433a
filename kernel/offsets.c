/*
 * Numbers of C that the assembly files need: offsets in structs, sizes, constants. Never linked: it is compiled to assembly text, and
 * build.mk turns each marker `->NAME $value` into a line `%define NAME value` of build/offsets.inc.
 */
#include "abi/xen.h"
#include "domain/vcpu_state.h"
#include "lib/trace.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/regs.h"

#ifndef HYPERCALL_SLOTS /* of the dispatch table: numbers from here on are unknown without a look */
#define HYPERCALL_SLOTS 64
#endif

#define DEFINE(name, value) asm volatile(".ascii \"->" #name " %0\"" : : "i"((s64)(value)))
#define CPU(field)          DEFINE(CPU_##field, offsetof(struct cpu, field))
#define REGS(field)         DEFINE(REGS_##field, offsetof(struct regs, field))
#define CTX(field)          DEFINE(CTX_##field, offsetof(struct vcpu_context, field))

void offsets(void);

void offsets(void)
{
    DEFINE(HYP_L4_FIRST, HYP_L4_FIRST);
    DEFINE(HYP_L4_LAST, HYP_L4_LAST);
    DEFINE(HYP_VA_START, HYP_VA_START);
    DEFINE(HYP_VA_END, HYP_VA_END);
    DEFINE(HYP_VA_SHIFT, HYP_VA_SHIFT);
    DEFINE(KOAN_VA, KOAN_VA);
    DEFINE(STACKS_VA, STACKS_VA);
    DEFINE(DIRECTMAP_VA, DIRECTMAP_VA);
    DEFINE(CPU_BLOCK, CPU_BLOCK_SIZE);
    DEFINE(NR_CPUS, NR_CPUS);
    DEFINE(HYPERCALL_SLOTS, HYPERCALL_SLOTS);
    DEFINE(TRACE_HYPERCALL, TRACE_HYPERCALL);
    DEFINE(TRACE_EXCEPTION, TRACE_EXCEPTION);

    DEFINE(CPU_SIZE, sizeof(struct cpu));
    CPU(current);
    CPU(syscall_rsp);
    CPU(syscall_rcx);
    CPU(syscall_r11);
    CPU(work);
    CPU(cr3);
    CPU(id);
    CPU(flush_clock);
    CPU(stat_cr3_loads);
    CPU(stat_flushes);
    CPU(fpu_owner);

    DEFINE(REGS_SIZE, sizeof(struct regs));
    REGS(r15);
    REGS(r14);
    REGS(r13);
    REGS(r12);
    REGS(rbp);
    REGS(rbx);
    REGS(r11);
    REGS(r10);
    REGS(r9);
    REGS(r8);
    REGS(rax);
    REGS(rcx);
    REGS(rdx);
    REGS(rsi);
    REGS(rdi);
    REGS(error_code);
    REGS(vector);
    REGS(rip);
    REGS(cs);
    REGS(rflags);
    REGS(rsp);
    REGS(ss);
    DEFINE(PF_USER, PF_USER);
    DEFINE(RFLAGS_IF_BIT, __builtin_ctzl(RFLAGS_IF));
    DEFINE(RFLAGS_GUEST, RFLAGS_GUEST);
    DEFINE(RFLAGS_ALWAYS, RFLAGS_ALWAYS);
    DEFINE(VGCF_in_syscall, VGCF_in_syscall);
    DEFINE(HYPERCALL_iret, __HYPERVISOR_iret);

    CTX(in_kernel);
    CTX(info);
    CTX(kernel_sp);
    CTX(kernel_ss);
    CTX(event);
    CTX(syscall);
    CTX(regs);
    CTX(cr3_kernel);
    CTX(cr3_user);
}
