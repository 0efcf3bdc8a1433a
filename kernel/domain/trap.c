/*
 * Exceptions and system calls of guests: what is emulated, what goes to the guest's own handler.
 *
 * Called by entry.asm. CR2 is read before interrupts go on, as a copy from guest memory in between could fault.
 */
#include "abi/arch-x86_64.h"
#include "abi/xen.h"
#include "domain/bounce.h"
#include "domain/descriptor.h"
#include "domain/emulate.h"
#include "domain/fpu.h"
#include "domain/ptwr.h"
#include "domain/trap.h"
#include "x86/asm.h"
#include "x86/upcalls.h"

#define SELECTOR_LDT 4 /* in a selector and in an error code: it is the LDT's */

/* Vectors for which the CPU pushes an error code (SDM vol. 3, 6.13). */
#define HAS_ERROR                                                                                  \
    (BIT(TRAP_TS) | BIT(TRAP_NP) | BIT(TRAP_SS) | BIT(TRAP_GP) | BIT(TRAP_AC) | BIT(21))

/* The CPU read a descriptor of the LDT in this CPU's window, and there is none mapped. If the guest has none either, the fault is its own. */
static void guest_ldt_fault(struct vcpu *v, struct regs *regs, u64 address, u32 error)
{
    if (descriptor_ldt_fault(v, address))
        return;
    u64 own = descriptor_ldt_address(v, address);
    if (is_canonical(own))
        bounce_page_fault(v, regs, own, error);
    else
        bounce_trap(v, regs, TRAP_GP, true, ((own - v->ctx.ldt_va) & 0xfff8) | SELECTOR_LDT);
}

/* Not the access of a user: what the CPU itself reads, for a segment register. */
static NOINLINE void implicit_page_fault(struct vcpu *v, struct regs *regs, u64 address)
{
    if (address - DESC_VA < NR_CPUS * DESC_WINDOW_SIZE && descriptor_is_ldt(address))
        guest_ldt_fault(v, regs, address, regs->error_code);
    else
        bounce_page_fault(v, regs, address, regs->error_code);
}

/* A store into a page that is there and can't be written: into a page table, perhaps. */
static NOINLINE void write_fault(struct vcpu *v, struct regs *regs, u64 address)
{
    if (!v->ctx.in_kernel || !(v->domain->vm_assist & BIT(VMASST_TYPE_writable_pagetables)) ||
        !ptwr_fault(v, regs, address))
        bounce_page_fault(v, regs, address, regs->error_code);
}

static ALWAYS_INLINE void guest_page_fault(struct vcpu *v, struct regs *regs, u64 address)
{
    u32 error = regs->error_code;

    if (unlikely(!(error & PF_USER)))
        implicit_page_fault(v, regs, address);
    else if ((error & (PF_PRESENT | PF_WRITE | PF_RESERVED | PF_FETCH)) == (PF_PRESENT | PF_WRITE))
        write_fault(v, regs, address);
    else
        bounce_page_fault(v, regs, address, error);
}

/* A debug exception: DR6 tells the guest why. Its upper bits and the hypervisor's view are cleared for the next one. */
static void guest_debug_exception(struct vcpu *v)
{
    u64 dr6;

    asm volatile("mov %%dr6, %0" : "=r"(dr6));
    v->ctx.debugreg[6] = dr6;
    asm volatile("mov %0, %%dr6" ::"r"(0xffff0ff0UL));
}

static NOINLINE void guest_other_trap(struct vcpu *v, struct regs *regs)
{
    u32 vector = regs->vector;

    if (vector == TRAP_DB)
        guest_debug_exception(v);
    interrupts_on();
    if (vector == TRAP_GP && emulate_gp(v, regs))
        return;
    if (vector == TRAP_NM && fpu_trap(v))
        return;
    bounce_trap(v, regs, vector, HAS_ERROR >> vector & 1, regs->error_code);
}

/* The two that guests have by the thousand have a short way. */
void guest_trap(struct regs *regs, struct vcpu *v)
{
    u32 vector = regs->vector;

    if (vector == TRAP_PF) {
        u64 address = read_cr2();

        interrupts_on();
        guest_page_fault(v, regs, address);
    } else if (vector == TRAP_UD) {
        interrupts_on();
        emulate_ud(v, regs);
    } else {
        guest_other_trap(v, regs);
    }
}

/* The CPU gave the second of two debug exceptions the place of the first (entry.asm): there is nothing to go back to. */
void guest_debug_lost(struct regs *regs, struct vcpu *v)
{
    (void)regs;
    interrupts_on();
    domain_crash(v->domain,
                 "two debug exceptions at one instruction (a data breakpoint, and a single "
                 "step or INT1): where it was is lost");
}

/* SYSCALL from guest user mode: its kernel's callback, which starts with DF clear. */
void guest_syscall(struct regs *regs, struct vcpu *v)
{
    if (likely(regs->cs == FLAT_RING3_CS64)) {
        bounce_syscall(v, regs, &v->ctx.syscall);
    } else if (v->ctx.syscall32.address && !v->ctx.in_kernel) {
        bounce_syscall(v, regs, &v->ctx.syscall32);
    } else {
        regs->rip -= 2; /* #UD is a fault: it names the instruction */
        bounce_trap(v, regs, TRAP_UD, false, 0);
    }
}

/*
 * The IRETQ to the guest faulted: its cs, ss or rip is not loadable. The five words are still where they were; the general registers
 * are those at the fault. Put the guest's frame together again and let its kernel know. Returns the frame's address for entry.asm.
 */
struct regs *iret_fault(struct regs *fault)
{
    struct regs *regs = guest_regs();
    struct vcpu *v = current_vcpu();
    struct regs whole = *fault;
    u64 address = read_cr2();
    u32 vector = fault->vector;
    whole.rip = regs->rip;
    whole.cs = regs->cs;
    whole.rflags = regs->rflags;
    whole.rsp = regs->rsp;
    whole.ss = regs->ss;
    whole.vector = 0;
    *regs = whole;
    interrupts_on();
    if (vector == TRAP_PF && descriptor_ldt_fault(v, address))
        return regs; /* the selector is in an LDT page that was not mapped yet: try again */
    bounce_failsafe(v, regs);
    return regs;
}
