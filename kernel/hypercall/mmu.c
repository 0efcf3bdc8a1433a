/*
 * mmu_update, update_va_mapping and update_va_mapping_otherdomain: a guest changes its page tables (Xen's public xen.h; abi/mmu.h). The
 * decoding only; mm/update.h does the work.
 */
#include "hypercall/mmu.h"

#include "hypercall/handlers.h"
#include "mm/quick.h"
#include "mm/update.h"

/* Nobody's memory: device frames. No frame has this owner, so whatever is asked of it falls through to the rules for devices. */
static struct domain_memory device_memory = { .lock = SPINLOCK_INIT(LOCK_DOMAIN),
                                              .domid = DOMID_IO };

s64 mmu_find_any(u16 domid, struct domain_memory **m)
{
    struct domain_memory *own = &current_domain()->mem;

    *m = likely(domid == DOMID_SELF || domid == own->domid) ? own : memory_find(domid);
    return *m ? 0 : refuse(-XEN_ESRCH, domid);
}

s64 mmu_find_owner(u16 domid, struct domain_memory **m)
{
    *m = &device_memory;
    if (unlikely(domid == DOMID_IO))
        return 0;
    return domid == current_domain()->mem.domid ? refuse(-XEN_ESRCH, domid)
                                                : mmu_find_any(domid, m);
}

void mmu_drop_owner(struct domain_memory *m)
{
    if (m != &current_domain()->mem && m != &device_memory)
        memory_let_go(m);
}

s64 mmu_may_touch(const struct domain_memory *m)
{
    const struct domain_memory *own = &current_domain()->mem;

    return m == own || m == &device_memory || own->privileged ? 0 : refuse(-XEN_EPERM, m->domid);
}

bool mmu_vcpu_mask(struct vcpu *v, u64 va, struct cpumask *mask)
{
    const struct domain *d = v->domain;
    u64 vcpus;

    *mask = (struct cpumask){ 0 };
    if (!get_guest_u64(&vcpus, va))
        return false;
    for (u32 i = 0; i < d->max_vcpus; i++)
        if ((vcpus & BIT(i)) && d->vcpus[i] && cpumask_test(&d->mem.cpus, d->vcpus[i]->cpu))
            cpumask_set(mask, d->vcpus[i]->cpu);
    return true;
}
static_assert(MAX_VCPUS <= 64, "one word of a vCPU bitmap");

/* ---- update_va_mapping ---- */

/* The upper bits of the flags: one's own CPU, all of the domain, or a bitmap of vCPUs. */
static s64 flush_after(struct vcpu *v, u64 va, u64 flags)
{
    u64 where = flags & ~UVMF_FLUSHTYPE_MASK;
    bool all = (flags & UVMF_FLUSHTYPE_MASK) == UVMF_TLB_FLUSH;
    struct cpumask mask;

    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_NONE ||
        (flags & UVMF_FLUSHTYPE_MASK) == UVMF_FLUSHTYPE_MASK)
        return 0;
    if (likely(where == UVMF_LOCAL)) {
        if (all)
            tlb_flush_local();
        else
            tlb_flush_page_local(va);
        return 0;
    }
    if (where == UVMF_ALL)
        mask = v->domain->mem.cpus;
    else if (!mmu_vcpu_mask(v, where, &mask))
        return refuse(-XEN_EFAULT, where);
    tlb_flush_mask(&mask, all ? TLB_ALL : va);
    return 0;
}

s64 hc_update_va_mapping(u64 va, u64 e, u64 flags, u64 a4, u64 a5, u64 a6)
{
    struct vcpu *v = current_vcpu();
    struct domain_memory *m = &v->domain->mem;

    if (unlikely(!memory_enter(m)))
        return hypercall_restart(__HYPERVISOR_update_va_mapping, va, e, flags, a4, a5, a6);
    pte_t *slot = update_find_l1(m, v->ctx.cr3_kernel, va);
    s64 error = likely(slot) ? update_l1(m, m, slot, e, false) : refuse(-XEN_EINVAL, va);
    memory_leave(m);
    if (likely(flags == UVMF_NONE) || unlikely(error))
        return error;
    if (likely(flags == (UVMF_TLB_FLUSH | UVMF_LOCAL))) {
        tlb_flush_local();
        return 0;
    }
    return flush_after(v, va, flags);
}

static s64 update_va_locked(struct vcpu *v, struct domain_memory *pages, u64 va, pte_t e)
{
    struct domain_memory *m = &v->domain->mem;
    pte_t *slot = update_find_l1(m, v->ctx.cr3_kernel, va);

    if (!slot)
        return refuse(-XEN_EINVAL, va);
    return pages->dying ? refuse(-XEN_ESRCH, pages->domid) : update_l1(m, pages, slot, e, false);
}

static s64 update_va_foreign(struct vcpu *v, struct domain_memory *pages, u64 va, pte_t e)
{
    struct domain_memory *m = &v->domain->mem;
    s64 error = mmu_may_touch(pages);

    if (error)
        return error;
    if (!memory_enter_pair(m, pages))
        return -XEN_ERESTART;
    error = update_va_locked(v, pages, va, e);
    memory_leave_pair(m, pages);
    return error;
}

s64 hc_update_va_mapping_otherdomain(u64 va, u64 e, u64 flags, u64 domid, u64 a5, u64 a6)
{
    struct vcpu *v = current_vcpu();
    struct domain_memory *pages;
    s64 error = mmu_find_owner((u16)domid, &pages);

    if (error)
        return error;
    error = update_va_foreign(v, pages, va, e);
    mmu_drop_owner(pages);
    if (error == -XEN_ERESTART)
        return hypercall_restart(__HYPERVISOR_update_va_mapping_otherdomain, va, e, flags, domid,
                                 a5, a6);
    return error ? error : flush_after(v, va, flags);
}

/* ---- mmu_update ---- */

/* Whose tables, whose pages, and where a walk of theirs leaves its outcome. */
struct update_call {
    struct domain_memory *own, *tables, *pages;
    struct walk_result *result;
};

/* What the guest reads in its machine-to-physical table for one of its frames. */
static s64 update_machphys(const struct update_call *c, u64 at, u64 pfn)
{
    mfn_t mfn = MFN(at >> PAGE_SHIFT);

    if (c->tables != c->own)
        return refuse(-XEN_EPERM, at);
    s64 error = mmu_may_touch(c->pages);
    if (error)
        return error;
    if (!frame_owned(mfn, c->pages->domid))
        return refuse(-XEN_EINVAL, at);
    __atomic_store_n(&m2p_table[mfn.n], pfn, __ATOMIC_RELAXED);
    return 0;
}

static NOINLINE s64 update_one(const struct update_call *c, u64 ptr, u64 val)
{
    u64 command = ptr & 7;

    if (command == MMU_MACHPHYS_UPDATE)
        return update_machphys(c, ptr, val);
    if (unlikely(command > MMU_PT_UPDATE_NO_TRANSLATE))
        return refuse(-XEN_ENOSYS, ptr);
    if (unlikely(c->tables != c->own || c->pages != c->own)) {
        s64 error = mmu_may_touch(c->pages);

        if (!error)
            error = mmu_may_touch(c->tables);
        if (error)
            return error;
    }
    return update_entry(c->tables, c->pages, ptr - command, val,
                        command == MMU_PT_UPDATE_PRESERVE_AD, c->result);
}

/* By far the commonest: a plain entry of an L1 table of one's own, for one's own page. */
static ALWAYS_INLINE s64 update_usual(const struct update_call *c, u64 ptr, u64 val)
{
    mfn_t mfn = MFN(ptr >> PAGE_SHIFT);

    if (likely(!(ptr & 7) && c->tables == c->own && c->pages == c->own)) {
        const struct frame *f = frame_owned(mfn, c->own->domid);

        if (likely(f && f->type == FRAME_L1 && f->type_refs))
            return update_l1(c->own, c->own, (pte_t *)((u8 *)mfn_to_virt(mfn) + ptr % PAGE_SIZE),
                             val, false);
    }
    return update_one(c, ptr, val);
}

static ALWAYS_INLINE s64 update_all(const struct update_call *c, struct mmu_batch *b)
{
    struct mmu_update request;

    if (unlikely(c->tables->dying || c->pages->dying))
        return refuse(-XEN_ESRCH, c->pages->domid);
    for (bool first = true; b->left; first = false) {
        if (!first && unlikely(work_pending() || walk_active(c->tables)))
            return -XEN_ERESTART;
        if (unlikely(!copy_from_guest(&request, b->at, sizeof(request))))
            return refuse(-XEN_EFAULT, b->at);
        s64 error = update_usual(c, request.ptr, request.val);
        if (unlikely(error))
            return error;
        b->at += sizeof(request);
        b->left--;
        b->done++;
    }
    return 0;
}

static ALWAYS_INLINE s64 update_locked(const struct update_call *c, struct mmu_batch *b)
{
    if (unlikely(!memory_enter_pair(c->tables, c->pages)))
        return -XEN_ERESTART;
    s64 error = update_all(c, b);
    memory_leave_pair(c->tables, c->pages);
    return error;
}

/* Other domains than the caller's. Walks that are begun for another domain leave their outcome with that domain's memory. */
static s64 update_foreign(struct update_call *c, struct mmu_batch *b, u64 dom)
{
    u16 tables = (u16)(dom >> 16);
    s64 error = tables ? mmu_find_any(tables - 1, &c->tables) : 0;

    if (error)
        return error;
    if (c->tables != c->own)
        c->result = &c->tables->foreign_result;
    error = mmu_find_owner((u16)dom, &c->pages);
    if (!error) {
        error = update_locked(c, b);
        mmu_drop_owner(c->pages);
    }
    mmu_drop_owner(c->tables);
    return error;
}

static NOINLINE s64 update_batch(u64 requests, u64 count, u64 done_out, u64 dom, u64 a5, u64 a6)
{
    struct vcpu *v = current_vcpu();
    struct domain_memory *own = &v->domain->mem;
    struct update_call c = { own, own, own, &v->walk };
    struct mmu_batch b;

    s64 error = mmu_batch_begin(&b, requests, count, done_out);
    if (unlikely(error))
        return error;
    error = likely(dom == DOMID_SELF) ? update_locked(&c, &b) : update_foreign(&c, &b, dom);
    return mmu_batch_end(&b, error, __HYPERVISOR_mmu_update, dom, a5, a6);
}

/* One page of one's own, mapped where none was, with nothing to report: what a kernel does at each page fault. */
static ALWAYS_INLINE bool update_quick(u64 requests)
{
    struct domain_memory *m = &current_domain()->mem;
    struct mmu_update request;

    if (unlikely(!copy_from_guest(&request, requests, sizeof(request)) || !quick_enter(m)))
        return false;
    bool done = quick_map(m, request.ptr, request.val);
    quick_leave(m);
    return done;
}

s64 hc_mmu_update(u64 requests, u64 count, u64 done_out, u64 dom, u64 a5, u64 a6)
{
    if (likely(count == 1) && likely(!done_out) && likely((u32)dom == DOMID_SELF)) {
        if (likely(update_quick(requests)))
            return 0;
        return update_batch(requests, 1, 0, DOMID_SELF, a5, a6); /* constants need no registers */
    }
    return update_batch(requests, count, done_out, (u32)dom, a5, a6);
}
