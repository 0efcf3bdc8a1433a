/*
 * Bounces: entering the guest's kernel at one of its own handlers, with a frame on its stack that says what it interrupted.
 *
 * The frame, ascending: rcx, r11, [error code], rip, cs, rflags, rsp, ss (Xen's public arch-x86/xen-x86_64.h and the behaviour of 4.17).
 * All functions change the running vCPU's registers at `regs`; a frame that can't be written ends the domain.
 */
#ifndef KOAN_DOMAIN_BOUNCE_H
#define KOAN_DOMAIN_BOUNCE_H

#include "domain/domain.h"
#include "x86/tlb.h"

/* Deliver exception `vector` to the guest's trap table; no handler there is the end of the domain. */
void bounce_trap(struct vcpu *v, struct regs *regs, u8 vector, bool has_error, u32 error);

/* Deliver a page fault: as above, with the address in vcpu_info and the error code as the guest's kernel sees it. */
void bounce_page_fault(struct vcpu *v, struct regs *regs, u64 address, u32 error);

/* Enter a callback (event, system call). Address 0 ends the domain; `what` names it then. */
void bounce_callback(struct vcpu *v, struct regs *regs, const struct guest_callback *callback,
                     const char *what);

/* Enter the failsafe callback, or, without one, deliver #GP: the guest's selectors could not be loaded. */
void bounce_failsafe(struct vcpu *v, struct regs *regs);

/* SYSCALL in guest user mode, to the callback for it: as above; DF starts clear. */
void bounce_syscall(struct vcpu *v, struct regs *regs, const struct guest_callback *callback);

/* Change between guest user and guest kernel mode: page tables and GS bases. */
static ALWAYS_INLINE void guest_mode_to_kernel(struct vcpu *v)
{
    asm volatile("swapgs" ::: "memory");
    v->ctx.in_kernel = MODE_KERNEL;
    tlb_load_cr3(v->ctx.cr3_kernel);
}

/* There must be a user L4. */
static ALWAYS_INLINE void guest_mode_to_user(struct vcpu *v)
{
    asm volatile("swapgs" ::: "memory");
    v->ctx.in_kernel = MODE_USER;
    tlb_load_cr3(v->ctx.cr3_user);
}

#endif
