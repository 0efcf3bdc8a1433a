/*
 * mmuext_op: pins, base pointers, flushes and the like (Xen's public xen.h; abi/mmu.h). Each operation takes the locks that it needs.
 */
#include "domain/descriptor.h"
#include "hypercall/handlers.h"
#include "hypercall/mmu.h"
#include "lib/string.h"
#include "mm/quick.h"
#include "mm/type.h"
#include "x86/asm.h"

/* Who asks, and whose frames are meant. `result`: where a walk of theirs leaves its outcome. */
struct ext_call {
    struct vcpu *v;
    struct domain_memory *own, *m;
    struct walk_result *result;
};

/* ---- pins ---- */

static s64 pin(const struct ext_call *c, enum frame_type level, mfn_t mfn)
{
    s64 error = type_get(c->m, mfn, level, c->result);

    if (error)
        return error;
    struct frame *f = mfn_to_frame(mfn);
    if (f->flags & FRAME_PINNED) {
        type_put(c->m, mfn); /* not the last one: the pin has another */
        return refuse(-XEN_EINVAL, mfn.n);
    }
    f->flags |= FRAME_PINNED;
    return 0;
}

static s64 unpin(const struct ext_call *c, mfn_t mfn)
{
    struct frame *f = frame_owned(mfn, c->m->domid);

    if (!f || !(f->flags & FRAME_PINNED))
        return refuse(-XEN_EINVAL, mfn.n);
    memory_unpin(c->m, f);
    return 0;
}

/* ---- whole pages ---- */

static s64 clear_page(const struct ext_call *c, mfn_t mfn)
{
    struct frame *f = frame_owned(mfn, c->m->domid);

    if (!f || !writable_get(c->m, f))
        return refuse(-XEN_EINVAL, mfn.n);
    memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
    writable_put(f);
    return 0;
}

static s64 copy_page(const struct ext_call *c, mfn_t to, mfn_t from)
{
    struct frame *f = frame_owned(to, c->m->domid);

    if (!frame_owned(from, c->m->domid))
        return refuse(-XEN_EINVAL, from.n);
    if (!f || !writable_get(c->m, f))
        return refuse(-XEN_EINVAL, to.n);
    memmove(mfn_to_virt(to), mfn_to_virt(from), PAGE_SIZE);
    writable_put(f);
    return 0;
}

static s64 frames_op(const struct ext_call *c, const struct mmuext_op *op)
{
    mfn_t mfn = MFN(op->arg1.mfn);

    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        return pin(c, FRAME_L1 + (op->cmd - MMUEXT_PIN_L1_TABLE), mfn);
    case MMUEXT_UNPIN_TABLE:
        return unpin(c, mfn);
    case MMUEXT_CLEAR_PAGE:
        return clear_page(c, mfn);
    default:
        return copy_page(c, mfn, MFN(op->arg2.src_mfn));
    }
}

static s64 frames_op_locked(const struct ext_call *c, const struct mmuext_op *op)
{
    if (!memory_enter(c->m))
        return -XEN_ERESTART;
    s64 error = c->m->dying ? refuse(-XEN_ESRCH, c->m->domid) : frames_op(c, op);
    memory_leave(c->m);
    return error;
}

/* ---- base pointers ---- */

/* Puts another L4 into *cr3, 0 for none. The references of the old one go after nothing uses it any more. */
static s64 change_base(const struct ext_call *c, u64 *cr3, mfn_t mfn, bool load)
{
    u64 old = *cr3;

    if (!memory_enter(c->own))
        return -XEN_ERESTART;
    s64 error = mfn.n ? type_get(c->own, mfn, FRAME_L4, c->result) : 0;
    if (!error) {
        *cr3 = mfn.n << PAGE_SHIFT;
        if (load)
            tlb_load_cr3(*cr3);
        if (old)
            type_put(c->own, MFN(old >> PAGE_SHIFT));
    }
    memory_leave(c->own);
    return error;
}

/* Hypercalls come from guest kernel mode, so the kernel's L4 is the one in CR3. */
static s64 new_kernel_base(const struct ext_call *c, mfn_t mfn)
{
    u64 *cr3 = &c->v->ctx.cr3_kernel;

    if (*cr3 >> PAGE_SHIFT == mfn.n) {
        tlb_load_cr3(*cr3);
        return 0;
    }
    if (!frame_owned(mfn, c->own->domid))
        return refuse(-XEN_EINVAL, mfn.n);
    /* Its LDT may stand elsewhere in the new address space. */
    if (c->v->ctx.ldt_entries && descriptor_forget_ldt_pages(c->v))
        return -XEN_ERESTART;
    return change_base(c, cr3, mfn, true);
}

static s64 new_user_base(const struct ext_call *c, mfn_t mfn)
{
    u64 *cr3 = &c->v->ctx.cr3_user;

    return *cr3 >> PAGE_SHIFT == mfn.n ? 0 : change_base(c, cr3, mfn, false);
}

/* ---- flushes ---- */

/* An address that can't be the guest's is nothing to flush, and no error. */
static void flush_page(const struct cpumask *mask, u64 va)
{
    if (guest_range_ok(va, 0))
        tlb_flush_mask(mask, va);
}

static s64 flush_multi(const struct ext_call *c, const struct mmuext_op *op)
{
    struct cpumask mask;

    if (!mmu_vcpu_mask(c->v, op->arg2.vcpumask, &mask))
        return refuse(-XEN_EINVAL, op->arg2.vcpumask);
    if (op->cmd == MMUEXT_TLB_FLUSH_MULTI)
        tlb_flush_mask(&mask, TLB_ALL);
    else
        flush_page(&mask, op->arg1.linear_addr);
    return 0;
}

static s64 flush_cache(const struct ext_call *c)
{
    if (!c->own->privileged)
        return refuse(-XEN_EACCES, 0);
    asm volatile("wbinvd" ::: "memory");
    return 0;
}

static s64 set_ldt(const struct ext_call *c, const struct mmuext_op *op)
{
    u32 entries = op->arg2.nr_ents;

    return descriptor_set_ldt(c->v, entries ? op->arg1.linear_addr : 0, entries);
}

/* Those that only make sense for oneself, but for the three of ext_one(). */
static s64 own_op(const struct ext_call *c, const struct mmuext_op *op)
{
    switch (op->cmd) {
    case MMUEXT_TLB_FLUSH_LOCAL:
        tlb_flush_local();
        return 0;
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
        return flush_multi(c, op);
    case MMUEXT_TLB_FLUSH_ALL:
        tlb_flush_mask(&c->own->cpus, TLB_ALL);
        return 0;
    case MMUEXT_INVLPG_ALL:
        flush_page(&c->own->cpus, op->arg1.linear_addr);
        return 0;
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        return flush_cache(c);
    default:
        return set_ldt(c, op);
    }
}

static s64 flush_own_page(u64 va)
{
    if (likely(guest_range_ok(va, 0)))
        tlb_flush_page_local(va);
    return 0;
}

static NOINLINE s64 ext_other(const struct ext_call *c, const struct mmuext_op *op)
{
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE ... MMUEXT_UNPIN_TABLE:
    case MMUEXT_CLEAR_PAGE:
    case MMUEXT_COPY_PAGE:
        return frames_op_locked(c, op);
    case MMUEXT_NEW_BASEPTR ... MMUEXT_SET_LDT:
    case MMUEXT_NEW_USER_BASEPTR:
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        return c->m == c->own ? own_op(c, op) : refuse(-XEN_EPERM, op->cmd);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:
        return refuse(-XEN_EOPNOTSUPP, op->cmd);
    default:
        return refuse(-XEN_ENOSYS, op->cmd);
    }
}

/* What kernels do all day, one's own context switches and flushes, comes first. */
static ALWAYS_INLINE s64 ext_one(const struct ext_call *c, const struct mmuext_op *op)
{
    if (likely(c->m == c->own)) {
        if (op->cmd == MMUEXT_INVLPG_LOCAL)
            return flush_own_page(op->arg1.linear_addr);
        if (op->cmd == MMUEXT_NEW_BASEPTR)
            return new_kernel_base(c, MFN(op->arg1.mfn));
        if (op->cmd == MMUEXT_NEW_USER_BASEPTR)
            return new_user_base(c, MFN(op->arg1.mfn));
    }
    return ext_other(c, op);
}

static s64 ext_all(const struct ext_call *c, struct mmu_batch *b)
{
    struct mmuext_op op;

    for (bool first = true; b->left; first = false) {
        if (!first && unlikely(work_pending()))
            return -XEN_ERESTART;
        if (unlikely(!copy_from_guest(&op, b->at, sizeof(op))))
            return refuse(-XEN_EFAULT, b->at);
        s64 error = ext_one(c, &op);
        if (unlikely(error))
            return error;
        b->at += sizeof(op);
        b->left--;
        b->done++;
    }
    return 0;
}

/* Everything of the call concerns the one domain that it names. */
static s64 ext_foreign(struct ext_call *c, struct mmu_batch *b)
{
    s64 error = c->own->privileged ? 0 : refuse(-XEN_EPERM, c->m->domid);

    c->result = &c->m->foreign_result;
    if (!error)
        error = ext_all(c, b);
    mmu_drop_owner(c->m);
    return error;
}

static NOINLINE s64 ext_batch(u64 ops, u64 count, u64 done_out, u64 domid, u64 a5, u64 a6)
{
    struct vcpu *v = current_vcpu();
    struct ext_call c = { .v = v, .own = &v->domain->mem, .result = &v->walk };
    struct mmu_batch b;
    s64 error = mmu_batch_begin(&b, ops, count, done_out);

    c.m = c.own;
    if (!error && unlikely((u16)domid != DOMID_SELF))
        error = mmu_find_owner((u16)domid, &c.m);
    if (unlikely(error))
        return error;
    error = likely(c.m == c.own) ? ext_all(&c, &b) : ext_foreign(&c, &b);
    return mmu_batch_end(&b, error, __HYPERVISOR_mmuext_op, domid, a5, a6);
}

/* ---- the short way ---- */

/* Both base pointers of the running vCPU. False: it is not as usual, and nothing has changed. */
static ALWAYS_INLINE bool load_bases(struct vcpu *v, struct domain_memory *m, mfn_t kernel,
                                     mfn_t user)
{
    struct vcpu_context *c = &v->ctx;
    struct frame *new_kernel = quick_l4(m, kernel), *new_user = quick_l4(m, user);
    struct frame *old_kernel = quick_old_l4(c->cr3_kernel), *old_user = quick_old_l4(c->cr3_user);

    if (unlikely(!new_kernel || !new_user || !old_kernel || !old_user || old_kernel == old_user ||
                 c->ldt_entries || v->walk.state != WALK_NONE))
        return false;
    quick_l4_get(new_kernel);
    quick_l4_get(new_user);
    c->cr3_user = user.n << PAGE_SHIFT;
    c->cr3_kernel = kernel.n << PAGE_SHIFT;
    tlb_load_cr3(c->cr3_kernel);
    quick_l4_put(old_kernel);
    quick_l4_put(old_user);
    return true;
}

/* Another process: base pointers of the kernel and of user mode. */
static ALWAYS_INLINE bool quick_bases(u64 ops)
{
    struct vcpu *v = current_vcpu();
    struct domain_memory *m = &v->domain->mem;
    struct mmuext_op user;
    u64 kernel;

    if (unlikely(!get_guest_u64(&kernel, ops + offsetof(struct mmuext_op, arg1)) ||
                 !copy_from_guest(&user, ops + sizeof(user), sizeof(user)) ||
                 user.cmd != MMUEXT_NEW_USER_BASEPTR || !quick_enter(m)))
        return false;
    bool done = load_bases(v, m, MFN(kernel), MFN(user.arg1.mfn));
    quick_leave(m);
    return done;
}

/* A page that is mapped no more. */
static ALWAYS_INLINE bool quick_invlpg(u64 ops)
{
    u64 va;

    if (unlikely(!get_guest_u64(&va, ops + offsetof(struct mmuext_op, arg1)) ||
                 !guest_range_ok(va, 0)))
        return false;
    tlb_invlpg(va);
    return true;
}

/* What a kernel does at each switch of processes and for each page that it takes away. All else, and what is not as usual, goes to ext_batch(). */
s64 hc_mmuext_op(u64 ops, u64 count, u64 done_out, u64 domid, u64 a5, u64 a6)
{
    u32 cmd;

    if (likely(!done_out) && likely((u16)domid == DOMID_SELF) && likely(get_guest_u32(&cmd, ops))) {
        if (count == 1 && cmd == MMUEXT_INVLPG_LOCAL && quick_invlpg(ops))
            return 0;
        if (count == 2 && cmd == MMUEXT_NEW_BASEPTR)
            return quick_bases(ops) ? 0 : ext_batch(ops, 2, 0, DOMID_SELF, a5, a6);
    }
    return ext_batch(ops, count, done_out, domid, a5, a6);
}
