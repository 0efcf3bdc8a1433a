/*
 * Building the frame of a bounce and entering the guest's handler: see bounce.h.
 *
 * Guest kernel and guest user both run in ring 3, so the frame's cs has its RPL cleared where the kernel was interrupted: that is
 * how the guest's IRET hypercall tells where to go back to. This is a hot path; the frame is written with single-word stores
 * that jump to `fault` when the guest's stack is not writable.
 */
#include "abi/arch-x86_64.h"
#include "abi/xen.h"
#include "domain/bounce.h"
#include "x86/extable.h"
#include "x86/usercopy.h"

void guest_mode_to_kernel(struct vcpu *v)
{
    asm volatile("swapgs" ::: "memory");
    v->ctx.in_kernel = 1;
    tlb_load_cr3(v->ctx.cr3_kernel);
}

bool guest_mode_to_user(struct vcpu *v)
{
    if (unlikely(!v->ctx.cr3_user))
        return false;
    asm volatile("swapgs" ::: "memory");
    v->ctx.in_kernel = 0;
    tlb_load_cr3(v->ctx.cr3_user);
    return true;
}

/* The rflags word that the guest sees: its interrupt flag is the upcall mask, its IOPL is virtual. */
static u64 frame_rflags(const struct vcpu *v, const struct regs *regs, u8 upcall_mask)
{
    u64 rflags = regs->rflags & ~(RFLAGS_IF | RFLAGS_IOPL);

    if (!upcall_mask)
        rflags |= RFLAGS_IF;
    if (unlikely(v->domain->vm_assist & BIT(VMASST_TYPE_architectural_iopl)))
        rflags |= v->ctx.iopl << 12;
    return rflags;
}

/* Where the frame ends, after a switch to kernel mode if user mode was interrupted; `cs` becomes the frame's cs. */
static ALWAYS_INLINE u64 frame_top(struct vcpu *v, const struct regs *regs, u64 *cs)
{
    if (v->ctx.in_kernel) {
        *cs = regs->cs & 0xfffc;
        return regs->rsp & ~15UL;
    }
    guest_mode_to_kernel(v);
    *cs = regs->cs & 0xffff;
    return v->ctx.kernel_sp & ~15UL;
}

/* Point the registers at the handler. The way out must be IRET: rcx and r11 are the guest's. */
static ALWAYS_INLINE void enter_handler(struct regs *regs, u64 sp, u64 address)
{
    regs->vector = 0;
    regs->rip = address;
    regs->cs = FLAT_KERNEL_CS;
    regs->rflags &= ~(RFLAGS_AC | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT | RFLAGS_TF | RFLAGS_IOPL);
    regs->rsp = sp;
    regs->ss = FLAT_KERNEL_SS;
}

static ALWAYS_INLINE void bounce(struct vcpu *v, struct regs *regs, u64 address, bool mask,
                                 bool has_error, u32 error)
{
    struct vcpu_info *info = v->ctx.info;
    u8 old_mask = info->evtchn_upcall_mask;
    u64 cs;
    u64 sp = frame_top(v, regs, &cs) - (has_error ? 64 : 56);

    if (unlikely(!guest_range_ok(sp, 64)))
        goto fault;
    guest_access_begin();
    u64 at = sp;
    GUEST_PUT(at, regs->rcx, fault);
    GUEST_PUT(at + 8, regs->r11, fault);
    if (has_error) {
        GUEST_PUT(at + 16, error, fault);
        at += 8;
    }
    GUEST_PUT(at + 16, regs->rip, fault);
    GUEST_PUT(at + 24, cs | (u64)old_mask << 32, fault);
    GUEST_PUT(at + 32, frame_rflags(v, regs, old_mask), fault);
    GUEST_PUT(at + 40, regs->rsp, fault);
    GUEST_PUT(at + 48, regs->ss, fault);
    guest_access_end();
    if (mask)
        info->evtchn_upcall_mask = 1;
    enter_handler(regs, sp, address);
    return;
fault:
    guest_access_end();
    domain_crash(v->domain, "its stack at 0x%lx can't take the frame of a bounce to 0x%lx", sp,
                 address);
}

void bounce_trap(struct vcpu *v, struct regs *regs, u8 vector, bool has_error, u32 error)
{
    const struct guest_trap *t = &v->ctx.traps[vector];

    if (unlikely(!t->address)) {
        domain_crash(
            v->domain,
            "exception %u (error code 0x%x) at 0x%lx, and no handler for it in its trap table",
            vector, error, regs->rip);
        return;
    }
    if (has_error)
        bounce(v, regs, t->address, t->mask, true, error);
    else
        bounce(v, regs, t->address, t->mask, false, 0);
}

void bounce_page_fault(struct vcpu *v, struct regs *regs, u64 address, u32 error)
{
    const struct guest_trap *t = &v->ctx.traps[TRAP_PF];

    v->ctx.cr2 = address;
    v->ctx.info->arch.cr2 = address;
    if (v->ctx.in_kernel)
        error &= ~(u32)PF_USER;
    if (unlikely(!t->address)) {
        domain_crash(
            v->domain,
            "page fault at 0x%lx on address 0x%lx (error code 0x%x), and no handler for it in its trap table",
            regs->rip, address, error);
        return;
    }
    bounce(v, regs, t->address, t->mask, true, error);
}

void bounce_callback(struct vcpu *v, struct regs *regs, const struct guest_callback *callback,
                     const char *what)
{
    if (unlikely(!callback->address)) {
        domain_crash(v->domain, "%s at 0x%lx, and no callback registered for it", what, regs->rip);
        return;
    }
    bounce(v, regs, callback->address, callback->mask, false, 0);
}

/* The failsafe frame has the data selectors as well: rcx, r11, ds, es, fs, gs, then rip and on. */
void bounce_failsafe(struct vcpu *v, struct regs *regs)
{
    struct vcpu_context *c = &v->ctx;
    u8 old_mask = c->info->evtchn_upcall_mask;
    u64 cs;

    if (!c->failsafe.address) {
        bounce_trap(v, regs, TRAP_GP, true, 0);
        return;
    }
    u64 sp = frame_top(v, regs, &cs) - 88;
    u64 frame[11] = { regs->rcx,
                      regs->r11,
                      c->ds,
                      c->es,
                      c->fs,
                      c->gs,
                      regs->rip,
                      cs | (u64)old_mask << 32,
                      frame_rflags(v, regs, old_mask),
                      regs->rsp,
                      regs->ss };
    if (!copy_to_guest(sp, frame, sizeof(frame))) {
        domain_crash(v->domain, "its stack at 0x%lx can't take the frame of its failsafe callback",
                     sp);
        return;
    }
    if (c->failsafe.mask)
        c->info->evtchn_upcall_mask = 1;
    enter_handler(regs, sp, c->failsafe.address);
}
