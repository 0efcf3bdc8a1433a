/*
 * Emulation of privileged instructions: see emulate.h. Each emulate_* returns false for "this is a
 * #GP on real hardware, too".
 */
#include "domain/emulate.h"

#include "abi/errno.h"
#include "domain/bounce.h"
#include "domain/cpuid.h"
#include "domain/debugreg.h"
#include "domain/fpu.h"
#include "domain/guest_regs.h"
#include "domain/msr.h"
#include "domain/port.h"
#include "lib/string.h"
#include "x86/asm.h"
#include "x86/extable.h"
#include "x86/usercopy.h"

#define ERROR_IDT BIT(1)  /* of a #GP's error code: the rest of it names a gate */
#define DR6_BS    BIT(14) /* a single step */

/* ud2, "xen", cpuid: seven bytes, read as a number. */
#define FEP_CPUID       0xa20f6e65780b0fUL
#define FEP_CPUID_BYTES 7

#define STRING_CHUNK 64 /* elements of a repeated INS or OUTS done at one trap */

static bool __attribute__((cold, noinline)) single_step(struct regs *regs)
{
    struct vcpu *v = current_vcpu();

    regs->rflags &= ~RFLAGS_RF;
    if (regs->rflags & RFLAGS_TF) {
        v->ctx.debugreg[6] |= DR6_BS;
        bounce_trap(v, regs, TRAP_DB, false, 0);
    }
    return true;
}

/*
 * Go on behind the instruction, with the trap that single-stepping wants. True, so that it can end
 * a hot path.
 */
static ALWAYS_INLINE bool done(struct regs *regs, u32 length)
{
    regs->rip += length;
    return likely(!(regs->rflags & (RFLAGS_RF | RFLAGS_TF))) || single_step(regs);
}

void emulate_done(struct regs *regs, u32 length)
{
    done(regs, length);
}

/*
 * Two words that overlap, where all fifteen bytes are there. As the CPU has just fetched from rip
 * in ring 3, it is no address of the hypervisor's, so there is nothing to check: what lies behind
 * it either faults here or is the guest's.
 */
static ALWAYS_INLINE bool fetch_fast(u8 *bytes, u64 rip)
{
    u64 first, second;

    guest_access_begin();
    GUEST_GET(first, rip, fault);
    GUEST_GET(second, rip + INSN_MAX - sizeof(second), fault);
    guest_access_end();
    memcpy(bytes, &first, sizeof(first));
    memcpy(bytes + INSN_MAX - sizeof(second), &second, sizeof(second));
    return true;
fault:
    guest_access_end();
    return false;
}

size_t emulate_fetch(u8 bytes[INSN_MAX], u64 rip)
{
    size_t to_page_end = PAGE_SIZE - (rip & (PAGE_SIZE - 1));

    if (likely(fetch_fast(bytes, rip)))
        return INSN_MAX;
    if (to_page_end < INSN_MAX && copy_from_guest(bytes, rip, to_page_end))
        return to_page_end;
    return 0;
}

/* ---- CPUID, forced ---- */

static ALWAYS_INLINE bool forced_cpuid(struct regs *regs, u64 word)
{
    if (word << 8 != FEP_CPUID << 8)
        return false;
    const struct cpuid_leaf *leaf = cpuid_lookup(&cpuid_policy, regs->rax, regs->rcx);
    regs->rax = leaf->eax;
    regs->rbx = leaf->ebx;
    regs->rcx = leaf->ecx;
    regs->rdx = leaf->edx;
    return done(regs, FEP_CPUID_BYTES);
}

/* The seven bytes that matter are there, but the eighth is in a page that is not. */
static NOINLINE void emulate_ud_at_edge(struct vcpu *v, struct regs *regs)
{
    u64 word = 0;

    if (!copy_from_guest(&word, regs->rip, FEP_CPUID_BYTES) || !forced_cpuid(regs, word))
        bounce_trap(v, regs, TRAP_UD, false, 0);
}

/* A hot path. About rip see fetch_fast(). */
void emulate_ud(struct vcpu *v, struct regs *regs)
{
    u64 word;

    guest_access_begin();
    GUEST_GET(word, regs->rip, fault);
    guest_access_end();
    if (!forced_cpuid(regs, word))
        bounce_trap(v, regs, TRAP_UD, false, 0);
    return;
fault:
    guest_access_end();
    emulate_ud_at_edge(v, regs);
}

/* ---- ports ---- */

/*
 * The ring in which the guest believes itself to be; its kernel counts as 1 unless it asked for the
 * real number.
 */
static u64 virtual_ring(const struct vcpu *v)
{
    if (!v->ctx.in_kernel)
        return 3;
    return v->domain->vm_assist & BIT(VMASST_TYPE_architectural_iopl) ? 0 : 1;
}

static bool iopl_allows(const struct vcpu *v)
{
    return v->ctx.iopl >= virtual_ring(v);
}

/* What a domain may not reach is not there: port_read() says. */
static bool emulate_in(struct vcpu *v, struct regs *regs, const struct insn *insn)
{
    u64 numbered[INSN_REGS] = { regs->rax };
    u16 port = insn->immediate ? insn->imm : regs->rdx;

    if (!iopl_allows(v))
        return false;
    u64 value = port_read(v->domain, port, insn->operand_size);
    regs->rax = insn_merge_reg(insn, numbered, INSN_RAX, insn->operand_size, value);
    return true;
}

static bool emulate_out(struct vcpu *v, const struct regs *regs, const struct insn *insn)
{
    u16 port = insn->immediate ? insn->imm : regs->rdx;

    if (!iopl_allows(v))
        return false;
    port_write(v->domain, port, insn->operand_size, (u32)regs->rax);
    return true;
}

/* One element of INS or OUTS: only the memory side does anything, as no port that a domain may reach is read in such rows. */
static bool string_element(const struct insn *insn, u64 address)
{
    static const u8 ones[4] = { 0xff, 0xff, 0xff, 0xff };
    u8 lost[4];

    return insn->op == INSN_INS ? copy_to_guest(address, ones, insn->operand_size)
                                : copy_from_guest(lost, address, insn->operand_size);
}

/*
 * INS and OUTS, a chunk at a time: rcx, rsi and rdi stand right after each, so the instruction can
 * be executed again.
 */
static bool emulate_string(struct vcpu *v, struct regs *regs, const struct insn *insn)
{
    u64 *pointer = insn->op == INSN_INS ? &regs->rdi : &regs->rsi;
    bool repeated = insn->rep || insn->repne;
    u64 step = regs->rflags & RFLAGS_DF ? -(u64)insn->operand_size : insn->operand_size;
    u64 mask = insn->address.address32 ? UINT32_MAX : ~0UL;
    u64 left = repeated ? regs->rcx & mask : 1;

    if (!iopl_allows(v))
        return false;
    for (u32 i = 0; i < STRING_CHUNK && left; i++, left--) {
        u64 address = *pointer & mask;

        if (!string_element(insn, address)) {
            bounce_page_fault(v, regs, address, PF_USER | (insn->op == INSN_INS ? PF_WRITE : 0));
            return true;
        }
        *pointer = (*pointer + step) & mask;
        if (repeated)
            regs->rcx = left - 1;
    }
    if (!left)
        emulate_done(regs, insn->length);
    return true;
}

/* ---- control and debug registers ---- */

#define CR4_SHOWN (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)

static bool read_control(const struct vcpu *v, u32 number, u64 *value)
{
    switch (number) {
    case 0:
        *value = (read_cr0() & ~CR0_TS) | (v->ctx.cr0_ts ? CR0_TS : 0);
        return true;
    case 2:
        *value = v->ctx.cr2;
        return true;
    case 3:
        *value = v->ctx.cr3_kernel;
        return true;
    case 4:
        *value = read_cr4() & CR4_SHOWN;
        return true;
    default:
        return false;
    }
}

static bool write_control(struct vcpu *v, u32 number, u64 value)
{
    switch (number) {
    case 0: /* only TS is the guest's */
        if ((value ^ read_cr0()) & ~CR0_TS)
            return false;
        fpu_taskswitch(v, value & CR0_TS);
        return true;
    case 2:
        v->ctx.cr2 = value;
        v->ctx.info->arch.cr2 = value;
        return true;
    case 4: /* none of the bits that a guest may change is on offer */
        return true;
    default:
        return false;
    }
}

static bool emulate_mov_special(struct vcpu *v, struct regs *regs, const struct insn *insn)
{
    u64 *general = guest_reg(regs, insn->rm);

    switch (insn->op) {
    case INSN_MOV_FROM_CR:
        return read_control(v, insn->reg, general);
    case INSN_MOV_TO_CR:
        return write_control(v, insn->reg, *general);
    case INSN_MOV_FROM_DR:
        return debugreg_get(v, insn->reg, general);
    default:
        return !debugreg_set(v, insn->reg, *general);
    }
}

/* ---- the rest ---- */

static bool emulate_rdmsr(struct vcpu *v, struct regs *regs)
{
    u64 value;

    if (!msr_guest_read(v, regs->rcx, &value))
        return false;
    regs->rax = (u32)value;
    regs->rdx = value >> 32;
    return true;
}

static bool emulate_wrmsr(struct vcpu *v, struct regs *regs, const struct insn *insn)
{
    s64 error = msr_guest_write(v, regs->rcx, (u32)regs->rax | regs->rdx << 32);

    if (error == -XEN_ERESTART)
        regs->rip -= insn->length; /* which will be added: it is executed again */
    return !error || error == -XEN_ERESTART;
}

/*
 * INT n through a gate of ours, which forbids it to ring 3: the guest's own trap table decides. The
 * number comes from the instruction, as QEMU before 8.0 reports a wrong one in the error code.
 */
static bool emulate_int(struct vcpu *v, struct regs *regs, const struct insn *insn)
{
    u8 vector = insn->imm;

    if (insn->op != INSN_INT)
        return false;
    if (v->ctx.traps[vector].dpl < virtual_ring(v)) {
        bounce_trap(v, regs, TRAP_GP, true, vector << 3 | ERROR_IDT);
        return true;
    }
    regs->rip += insn->length;
    bounce_trap(v, regs, vector, false, 0);
    return true;
}

static bool emulate_op(struct vcpu *v, struct regs *regs, const struct insn *insn)
{
    switch (insn->op) { /* what an I/O privilege level may allow, even to guest user mode */
    case INSN_CLI:      /* events are masked in vcpu_info; nobody believes in IF */
    case INSN_STI:
        return iopl_allows(v);
    case INSN_OUT:
        return emulate_out(v, regs, insn);
    case INSN_IN:
        return emulate_in(v, regs, insn);
    default:
        break;
    }
    if (!v->ctx.in_kernel)
        return false;
    switch (insn->op) {
    case INSN_RDMSR:
        return emulate_rdmsr(v, regs);
    case INSN_WRMSR:
        return emulate_wrmsr(v, regs, insn);
    case INSN_MOV_FROM_CR:
    case INSN_MOV_TO_CR:
    case INSN_MOV_FROM_DR:
    case INSN_MOV_TO_DR:
        return emulate_mov_special(v, regs, insn);
    case INSN_CLTS:
        fpu_taskswitch(v, false);
        return true;
    case INSN_WBINVD: /* nothing that this guest could have would notice */
        return true;
    default:
        return false;
    }
}

bool emulate_gp(struct vcpu *v, struct regs *regs)
{
    u8 bytes[INSN_MAX];
    struct insn insn;

    if (regs->error_code && !(regs->error_code & ERROR_IDT))
        return false; /* about a selector */
    if (insn_decode(&insn, bytes, emulate_fetch(bytes, regs->rip)) != INSN_OK)
        return false;
    if (regs->error_code)
        return emulate_int(v, regs, &insn);
    if (insn.op == INSN_INS || insn.op == INSN_OUTS)
        return emulate_string(v, regs, &insn);
    if (!emulate_op(v, regs, &insn))
        return false;
    emulate_done(regs, insn.length);
    return true;
}
