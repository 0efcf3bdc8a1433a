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

/* LAB 4.2a: Enter the guest's own handler, with a frame on its stack that says what it interrupted. */

/* With architectural_iopl, guests see their virtual I/O privilege level. */
static NOINLINE u64 frame_iopl(const struct vcpu *v, u64 rflags)
{
    return rflags | v->ctx.iopl << 12;
}

/* The rflags word that the guest sees: its interrupt flag is the upcall mask, its IOPL is virtual. */
static ALWAYS_INLINE u64 frame_rflags(const struct vcpu *v, const struct regs *regs, u8 upcall_mask)
{
    u64 rflags = regs->rflags & ~(RFLAGS_IF | RFLAGS_IOPL);

    if (!upcall_mask)
        rflags |= RFLAGS_IF;
    if (unlikely(v->domain->vm_assist & BIT(VMASST_TYPE_architectural_iopl)))
        return frame_iopl(v, rflags);
    return rflags;
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

static NOINLINE void bad_stack(struct vcpu *v, u64 sp, u64 address)
{
    domain_crash(v->domain, "its stack at 0x%lx can't take the frame of a bounce to 0x%lx", sp,
                 address);
}

/* `top`: where the frame ends. `cs`: as the frame shows it. The guest's kernel mode is on already. */
static ALWAYS_INLINE void push_frame(struct vcpu *v, struct regs *regs, u64 top, u64 cs,
                                     u64 address, bool mask, bool has_error, u32 error)
{
    struct vcpu_info *info = v->ctx.info;
    u8 old_mask = info->evtchn_upcall_mask;
    u64 sp = (top & ~15UL) - (has_error ? 64 : 56);

    if (unlikely(!guest_address_ok(sp)))
        goto bad;
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
bad:
    bad_stack(v, sp, address);
}

/* From guest user mode: on the stack that stack_switch named, in the kernel's address space. */
static ALWAYS_INLINE void push_frame_from_user(struct vcpu *v, struct regs *regs, u64 address,
                                               bool mask, bool has_error, u32 error)
{
    guest_mode_to_kernel(v);
    push_frame(v, regs, v->ctx.kernel_sp, (u16)regs->cs, address, mask, has_error, error);
}

/* The two modes apart, and with and without an error code: this is a hot path, and each of the four needs few registers. */
static NOINLINE void bounce_from_user(struct vcpu *v, struct regs *regs, u64 address, bool mask)
{
    push_frame_from_user(v, regs, address, mask, false, 0);
}

static NOINLINE void bounce_from_user_error(struct vcpu *v, struct regs *regs, u64 address,
                                            bool mask, u32 error)
{
    push_frame_from_user(v, regs, address, mask, true, error);
}

static NOINLINE void bounce_from_kernel_error(struct vcpu *v, struct regs *regs, u64 address,
                                              bool mask, u32 error)
{
    push_frame(v, regs, regs->rsp, regs->cs & 0xfffc, address, mask, true, error);
}

static ALWAYS_INLINE void bounce(struct vcpu *v, struct regs *regs, u64 address, bool mask)
{
    if (v->ctx.in_kernel)
        push_frame(v, regs, regs->rsp, regs->cs & 0xfffc, address, mask, false, 0);
    else
        bounce_from_user(v, regs, address, mask);
}

static ALWAYS_INLINE void bounce_error(struct vcpu *v, struct regs *regs, u64 address, bool mask,
                                       u32 error)
{
    if (v->ctx.in_kernel)
        bounce_from_kernel_error(v, regs, address, mask, error);
    else
        bounce_from_user_error(v, regs, address, mask, error);
}

static NOINLINE void no_trap_handler(struct vcpu *v, u64 rip, u8 vector, u32 error)
{
    domain_crash(v->domain,
                 "exception %u (error code 0x%x) at 0x%lx, and no handler for it in its trap table",
                 vector, error, rip);
}

void bounce_trap(struct vcpu *v, struct regs *regs, u8 vector, bool has_error, u32 error)
{
    const struct guest_trap *t = &v->ctx.traps[vector];

    if (unlikely(!t->address))
        no_trap_handler(v, regs->rip, vector, error);
    else if (has_error)
        bounce_error(v, regs, t->address, t->mask, error);
    else
        bounce(v, regs, t->address, t->mask);
}

static NOINLINE void no_page_fault_handler(struct vcpu *v, u64 rip, u64 address, u32 error)
{
    domain_crash(
        v->domain,
        "page fault at 0x%lx on address 0x%lx (error code 0x%x), and no handler for it in its trap table",
        rip, address, error);
}

void bounce_page_fault(struct vcpu *v, struct regs *regs, u64 address, u32 error)
{
    const struct guest_trap *t = &v->ctx.traps[TRAP_PF];

    v->ctx.cr2 = address;
    v->ctx.info->arch.cr2 = address;
    if (unlikely(!t->address))
        no_page_fault_handler(v, regs->rip, address, error);
    else if (v->ctx.in_kernel)
        bounce_from_kernel_error(v, regs, t->address, t->mask, error & ~(u32)PF_USER);
    else
        push_frame_from_user(v, regs, t->address, t->mask, true, error);
}

static NOINLINE void no_callback(struct vcpu *v, u64 rip, const char *what)
{
    domain_crash(v->domain, "%s at 0x%lx, and no callback registered for it", what, rip);
}

void bounce_callback(struct vcpu *v, struct regs *regs, const struct guest_callback *callback,
                     const char *what)
{
    if (unlikely(!callback->address))
        no_callback(v, regs->rip, what);
    else
        bounce(v, regs, callback->address, callback->mask);
}

void bounce_syscall(struct vcpu *v, struct regs *regs, const struct guest_callback *callback)
{
    if (unlikely(!callback->address)) {
        no_callback(v, regs->rip, "system call");
        return;
    }
    push_frame_from_user(v, regs, callback->address, callback->mask, false, 0);
    regs->rflags &= ~RFLAGS_DF;
}

/* END LAB 4.2a */

/* LAB 4.2b: Tell the guest that what it wanted to go back to could not be loaded. */

/* A data selector as the guest has it: the CPU's, as the saved one is from the last switch. */
#define SELECTOR(reg)                                                                              \
    ({                                                                                             \
        u16 selector;                                                                              \
        asm volatile("mov %%" #reg ", %0" : "=r"(selector));                                       \
        selector;                                                                                  \
    })

/*
 * The failsafe frame has the data selectors as well: rcx, r11, ds, es, fs, gs, then rip and on. A guest compares them with what it
 * finds in the registers: where they are the same it knows that its iret was bad, and else goes on with it, again and again.
 */
void bounce_failsafe(struct vcpu *v, struct regs *regs)
{
    struct vcpu_context *c = &v->ctx;
    u8 old_mask = c->info->evtchn_upcall_mask;

    if (!c->failsafe.address) {
        bounce_trap(v, regs, TRAP_GP, true, 0);
        return;
    }
    u64 top = regs->rsp, cs = regs->cs & 0xfffc;
    if (!c->in_kernel) {
        guest_mode_to_kernel(v);
        top = c->kernel_sp;
        cs = (u16)regs->cs;
    }
    u64 sp = (top & ~15UL) - 88;
    u64 frame[11] = { regs->rcx,
                      regs->r11,
                      SELECTOR(ds),
                      SELECTOR(es),
                      SELECTOR(fs),
                      SELECTOR(gs),
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

/* END LAB 4.2b */
