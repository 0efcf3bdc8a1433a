/*
 * struct vcpu_guest_context in and out: see vcpu_context.h.
 *
 * What needs references (page tables, descriptor tables) comes first and can be repeated: what a call that was interrupted has taken already
 * stays with the vCPU, and the next one finds it there. Registers follow when nothing can fail any more.
 */
#include "domain/vcpu_context.h"
#include "abi/errno.h"
#include "domain/debugreg.h"
#include "domain/descriptor.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "mm/type.h"
#include "x86/asm.h"
#include "x86/usercopy.h"

static bool addresses_ok(const struct vcpu_guest_context *c)
{
    for (u32 i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++)
        if (!is_canonical(c->trap_ctxt[i].address))
            return false;
    return is_canonical(c->user_regs.rip) && is_canonical(c->event_callback_eip) &&
           is_canonical(c->failsafe_callback_eip) && is_canonical(c->syscall_callback_eip) &&
           is_canonical(c->fs_base) && is_canonical(c->gs_base_kernel) &&
           is_canonical(c->gs_base_user);
}

static s64 check(const struct vcpu_guest_context *c)
{
    if (!addresses_ok(c))
        return refuse(-XEN_EINVAL, c->user_regs.rip);
    if (c->gdt_ents > FIRST_RESERVED_GDT_ENTRY)
        return refuse(-XEN_EINVAL, c->gdt_ents);
    if (c->ldt_ents > LDT_ENTRIES_MAX || (c->ldt_base & (PAGE_SIZE - 1)))
        return refuse(-XEN_EINVAL, c->ldt_ents);
    if (!c->ctrlreg[3])
        return refuse(-XEN_EINVAL, 0);
    if (!(c->flags & VGCF_IN_KERNEL) && !c->ctrlreg[1])
        return refuse(-XEN_EINVAL, c->flags); /* user mode without page tables for it */
    return 0;
}

/* Put an L4 into *cr3; 0: none. */
static s64 set_base(struct domain_memory *m, u64 *cr3, u64 wanted, struct walk_result *result)
{
    u64 old = *cr3;

    wanted &= ~(PAGE_SIZE - 1);
    if (old == wanted)
        return 0;
    if (!memory_enter(m))
        return -XEN_ERESTART;
    s64 error = wanted ? type_get(m, MFN(wanted >> PAGE_SHIFT), FRAME_L4, result) : 0;
    if (!error) {
        *cr3 = wanted;
        if (old)
            type_put(m, MFN(old >> PAGE_SHIFT));
    }
    memory_leave(m);
    return error;
}

static s64 set_tables(struct vcpu *v, const struct vcpu_guest_context *c,
                      struct walk_result *result)
{
    struct domain_memory *m = &v->domain->mem;
    s64 error = set_base(m, &v->ctx.cr3_kernel, c->ctrlreg[3], result);

    if (!error)
        error = set_base(m, &v->ctx.cr3_user, c->ctrlreg[1], result);
    if (!error)
        error = descriptor_set_gdt(v, c->gdt_frames, (u32)c->gdt_ents);
    if (!error)
        error = descriptor_set_ldt(v, c->ldt_ents ? c->ldt_base : 0, (u32)c->ldt_ents);
    return error;
}

static void set_registers(struct vcpu_context *ctx, const struct cpu_user_regs *u)
{
    ctx->regs = (struct regs){ .rax = u->rax,
                               .rbx = u->rbx,
                               .rcx = u->rcx,
                               .rdx = u->rdx,
                               .rsi = u->rsi,
                               .rdi = u->rdi,
                               .rbp = u->rbp,
                               .r8 = u->r8,
                               .r9 = u->r9,
                               .r10 = u->r10,
                               .r11 = u->r11,
                               .r12 = u->r12,
                               .r13 = u->r13,
                               .r14 = u->r14,
                               .r15 = u->r15,
                               .rip = u->rip,
                               .cs = u->cs | 3,
                               .rflags = (u->rflags & RFLAGS_GUEST) | RFLAGS_ALWAYS,
                               .rsp = u->rsp,
                               .ss = u->ss | 3 };
    ctx->iopl = (u->rflags & RFLAGS_IOPL) >> 12;
    ctx->ds = u->ds;
    ctx->es = u->es;
    ctx->fs = u->fs;
    ctx->gs = u->gs;
}

static void set_entries(struct vcpu_context *ctx, const struct vcpu_guest_context *c)
{
    for (u32 i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++) {
        const struct trap_info *t = &c->trap_ctxt[i];
        ctx->traps[i] = (struct guest_trap){ .address = t->address,
                                             .cs = t->cs | 3,
                                             .dpl = t->flags & TI_DPL_MASK,
                                             .mask = t->flags & TI_MASK_EVENTS };
    }
    ctx->kernel_ss = (u16)c->kernel_ss | 3;
    ctx->kernel_sp = c->kernel_sp;
    ctx->event = (struct guest_callback){ .address = c->event_callback_eip };
    ctx->failsafe = (struct guest_callback){ .address = c->failsafe_callback_eip,
                                             .mask = c->flags & VGCF_failsafe_disables_events };
    ctx->syscall = (struct guest_callback){ .address = c->syscall_callback_eip,
                                            .mask = c->flags & VGCF_syscall_disables_events };
}

/* Values that may not be are left out, as Xen does. */
static void set_debug_registers(struct vcpu_context *ctx, const struct vcpu_guest_context *c)
{
    static const u8 numbers[] = { 0, 1, 2, 3, 6, 7 };

    for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
        u64 value = c->debugreg[numbers[i]];

        if (debugreg_check(numbers[i], &value))
            ctx->debugreg[numbers[i]] = value;
    }
}

s64 vcpu_context_set(struct vcpu *v, const struct vcpu_guest_context *c, struct walk_result *result)
{
    struct vcpu_context *ctx = &v->ctx;
    s64 error = check(c);

    assert(v->state != VCPU_RUNNING);
    if (!error)
        error = set_tables(v, c, result);
    if (error)
        return error;
    set_registers(ctx, &c->user_regs);
    set_entries(ctx, c);
    set_debug_registers(ctx, c);
    ctx->in_kernel = c->flags & VGCF_IN_KERNEL ? 1 : 0;
    ctx->cr0_ts = (c->ctrlreg[0] & CR0_TS) != 0;
    ctx->fs_base = c->fs_base;
    ctx->gs_base_kernel = c->gs_base_kernel;
    ctx->gs_base_user = c->gs_base_user;
    if (c->flags & VGCF_I387_VALID)
        memcpy(&v->fpu, &c->fpu_ctxt, sizeof(v->fpu));
    if (v->id == 0)
        v->domain->vm_assist = c->vm_assist & VM_ASSIST_KNOWN;
    v->initialised = true;
    return 0;
}

/* ---- the way back ---- */

static void get_registers(const struct vcpu_context *ctx, struct cpu_user_regs *u)
{
    const struct regs *r = &ctx->regs;

    *u = (struct cpu_user_regs){ .rax = r->rax,
                                 .rbx = r->rbx,
                                 .rcx = r->rcx,
                                 .rdx = r->rdx,
                                 .rsi = r->rsi,
                                 .rdi = r->rdi,
                                 .rbp = r->rbp,
                                 .r8 = r->r8,
                                 .r9 = r->r9,
                                 .r10 = r->r10,
                                 .r11 = r->r11,
                                 .r12 = r->r12,
                                 .r13 = r->r13,
                                 .r14 = r->r14,
                                 .r15 = r->r15,
                                 .rip = r->rip,
                                 .cs = (u16)r->cs,
                                 .rflags = (r->rflags & ~RFLAGS_IOPL) | ctx->iopl << 12,
                                 .rsp = r->rsp,
                                 .ss = (u16)r->ss,
                                 .ds = ctx->ds,
                                 .es = ctx->es,
                                 .fs = ctx->fs,
                                 .gs = ctx->gs };
    u->saved_upcall_mask = ctx->info->evtchn_upcall_mask & 1;
}

static void get_entries(const struct vcpu_context *ctx, struct vcpu_guest_context *c)
{
    for (u32 i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++) {
        const struct guest_trap *t = &ctx->traps[i];
        if (t->address)
            c->trap_ctxt[i] = (struct trap_info){ .vector = (u8)i,
                                                  .flags = t->dpl | (t->mask ? TI_MASK_EVENTS : 0),
                                                  .cs = t->cs,
                                                  .address = t->address };
    }
    c->kernel_ss = ctx->kernel_ss;
    c->kernel_sp = ctx->kernel_sp;
    c->event_callback_eip = ctx->event.address;
    c->failsafe_callback_eip = ctx->failsafe.address;
    c->syscall_callback_eip = ctx->syscall.address;
}

void vcpu_context_get(const struct vcpu *v, struct vcpu_guest_context *c)
{
    const struct vcpu_context *ctx = &v->ctx;

    memset(c, 0, sizeof(*c));
    memcpy(&c->fpu_ctxt, &v->fpu, sizeof(v->fpu));
    c->flags = VGCF_I387_VALID | (ctx->in_kernel ? VGCF_IN_KERNEL : 0) |
               (ctx->failsafe.mask ? VGCF_failsafe_disables_events : 0) |
               (ctx->syscall.mask ? VGCF_syscall_disables_events : 0);
    get_registers(ctx, &c->user_regs);
    get_entries(ctx, c);
    c->ldt_base = ctx->ldt_va;
    c->ldt_ents = ctx->ldt_entries;
    for (u32 i = 0; i < ARRAY_SIZE(ctx->gdt_frames); i++)
        if (ctx->gdt_frames[i].n != INVALID_MFN.n)
            c->gdt_frames[i] = ctx->gdt_frames[i].n;
    c->gdt_ents = ctx->gdt_entries;
    c->ctrlreg[0] = CR0_PE | CR0_PG | (ctx->cr0_ts ? CR0_TS : 0);
    c->ctrlreg[1] = ctx->cr3_user;
    c->ctrlreg[3] = ctx->cr3_kernel;
    c->ctrlreg[4] = ctx->cr4;
    memcpy(c->debugreg, ctx->debugreg, sizeof(c->debugreg));
    c->fs_base = ctx->fs_base;
    c->gs_base_kernel = ctx->gs_base_kernel;
    c->gs_base_user = ctx->gs_base_user;
    c->vm_assist = v->domain->vm_assist;
}
