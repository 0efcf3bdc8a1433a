/*
 * iret: the guest's kernel goes back to what it interrupted (Xen's public arch-x86/xen-x86_64.h, struct iret_context).
 *
 * The RPL of the frame's cs says where to: 3 is user mode, which means a change of page tables and GS base. Selectors are taken as they are,
 * with RPL 3: the IRETQ on the way out checks them, and a fault there goes to the guest (iret_fault). A frame that can't be read, or
 * a way to user mode without page tables for it, is the end of the domain: there is nothing to return an error to.
 */
#include "domain/bounce.h"
#include "hypercall/handlers.h"
#include "x86/extable.h"

static NOINLINE s64 bad_frame(struct vcpu *v, u64 at)
{
    domain_crash(v->domain, "its iret has no readable frame at 0x%lx", at);
    return 0;
}

static NOINLINE s64 no_user_tables(struct vcpu *v, u64 rip)
{
    domain_crash(v->domain,
                 "its iret to user mode (0x%lx) has no user page tables (MMUEXT_NEW_USER_BASEPTR)",
                 rip);
    return 0;
}

/* The next one may come. */
static NOINLINE void nmi_handler_ends(struct vcpu *v)
{
    v->ctx.in_kernel = MODE_KERNEL;
    if (v->nmi_pending)
        cpu_kick(this_cpu()->id, WORK_UPCALL);
}

/*
 * The words of the frame go straight into the registers. Both its ends are read first, so a crash report shows what was there before. The
 * usual case is done by x86/iret.asm, without coming here: what changes here changes there, too.
 */
s64 hc_iret(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct vcpu *v = current_vcpu();
    struct regs *regs = guest_regs();
    u64 at = regs->rsp;
    u64 rax, rip, flags, cs, rflags, word;

    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (unlikely(!guest_address_ok(at)))
        return bad_frame(v, at);
    guest_access_begin();
    GUEST_GET(rax, at, fault);
    GUEST_GET(word, at + 64, fault);
    GUEST_GET(cs, at + 40, fault);
    GUEST_GET(rip, at + 32, fault);
    if ((cs & 3) == 3 && unlikely(!v->ctx.cr3_user)) {
        guest_access_end();
        return no_user_tables(v, rip);
    }
    regs->vector = 0; /* leave by IRETQ */
    regs->ss = (u16)word | 3;
    regs->cs = (u16)cs | 3;
    regs->rip = rip;
    GUEST_GET(rflags, at + 48, fault);
    regs->rflags = (rflags & RFLAGS_GUEST) | RFLAGS_ALWAYS;
    regs->rcx = rip; /* as SYSRET would */
    regs->r11 = regs->rflags;
    GUEST_GET(flags, at + 24, fault);
    if (!(flags & VGCF_in_syscall)) {
        GUEST_GET(word, at + 8, fault);
        regs->r11 = word;
        GUEST_GET(word, at + 16, fault);
        regs->rcx = word;
    }
    GUEST_GET(word, at + 56, fault);
    regs->rsp = word;
    guest_access_end();
    v->ctx.info->evtchn_upcall_mask = !(rflags & RFLAGS_IF);
    if (unlikely(v->ctx.in_kernel == MODE_NMI))
        nmi_handler_ends(v);
    if ((cs & 3) == 3)
        guest_mode_to_user(v);
    return (s64)rax;
fault:
    guest_access_end();
    return bad_frame(v, at);
}
