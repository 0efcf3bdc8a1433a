/*
 * grant_table_op: decoding. What the operations do: domain/grant.h; their arguments: abi/grant_table.h.
 *
 * The call takes a list of operations of one kind. Each has a status of its own, negative when it was refused; the call's result says only
 * whether the list could be read and written. A long list goes on later, with what is left of it as its arguments.
 */
#include "abi/grant_table.h"

#include "domain/grant.h"
#include "hypercall/handlers.h"
#include "hypercall/mmu.h"
#include "lib/string.h"

/* A list, of which `left` operations are still to be done, the next one at guest address `at`. */
struct grant_list {
    struct grant_caller *caller;
    u64 at;
    u32 left;
};

/* Three arguments; the registers of others are the guest's and stay as they are. */
static s64 go_on(u64 cmd, u64 at, u64 count)
{
    const struct regs *r = guest_regs();

    return hypercall_restart(__HYPERVISOR_grant_table_op, cmd, at, count, r->r10, r->r8, r->r9);
}

/* ---- map ---- */

/* What the guest gets back are two words; the first holds `dom` as well, as the guest wrote it. */
static ALWAYS_INLINE s64 map_one(struct grant_list *l)
{
    union {
        struct gnttab_map_grant_ref op;
        u64 words[4];
    } u;

    if (unlikely(!copy_from_guest(&u, l->at, sizeof(u))))
        return refuse(-XEN_EFAULT, l->at);
    s64 error = grant_map(l->caller, &u.op);
    if (unlikely(error))
        return error;
    if (unlikely(!copy_to_guest(l->at + 16, &u.words[2], 16)))
        return refuse(-XEN_EFAULT, l->at);
    l->at += sizeof(u);
    l->left--;
    return 0;
}
static_assert(sizeof(struct gnttab_map_grant_ref) == 32 &&
                  offsetof(struct gnttab_map_grant_ref, dom) == 16,
              "the last two words of four");

/* ---- unmap, unmap_and_replace ---- */

static ALWAYS_INLINE bool read_unmap(u64 at, bool replace, struct grant_unmap *u)
{
    struct gnttab_unmap_grant_ref op;

    if (unlikely(!copy_from_guest(&op, at, sizeof(op))))
        return false;
    u->host_addr = op.host_addr;
    u->dev_bus_addr = replace ? 0 : op.dev_bus_addr;
    u->new_addr = replace ? op.dev_bus_addr : 0;
    u->handle = op.handle;
    return true;
}
/* The two are alike but for what the second word means. */
static_assert(sizeof(struct gnttab_unmap_grant_ref) == sizeof(struct gnttab_unmap_and_replace) &&
                  offsetof(struct gnttab_unmap_grant_ref, dev_bus_addr) ==
                      offsetof(struct gnttab_unmap_and_replace, new_addr) &&
                  offsetof(struct gnttab_unmap_grant_ref, handle) ==
                      offsetof(struct gnttab_unmap_and_replace, handle) &&
                  offsetof(struct gnttab_unmap_grant_ref, status) ==
                      offsetof(struct gnttab_unmap_and_replace, status),
              "one decoder for both");

/* So many as fit into a batch. What can't be read ends the call, after what stands before it. */
static ALWAYS_INLINE s64 unmap_some(struct grant_list *l, bool replace)
{
    const u64 size = sizeof(struct gnttab_unmap_grant_ref);
    struct grant_unmap ops[GRANT_UNMAP_BATCH];
    u32 count = 0;

    while (count < min(l->left, (u32)GRANT_UNMAP_BATCH) &&
           read_unmap(l->at + count * size, replace, &ops[count]))
        count++;
    if (unlikely(!count))
        return refuse(-XEN_EFAULT, l->at);
    s64 error = grant_unmap(l->caller, ops, count);
    if (unlikely(error))
        return error;
    for (u32 i = 0; i < count; i++, l->at += size, l->left--)
        if (unlikely(!put_guest_u64(l->at + offsetof(struct gnttab_unmap_grant_ref, handle),
                                    ops[i].handle | (u64)(u16)ops[i].status << 32)))
            return refuse(-XEN_EFAULT, l->at);
    return 0;
}

static ALWAYS_INLINE s64 unmap_one(struct grant_list *l)
{
    return unmap_some(l, false);
}

static ALWAYS_INLINE s64 replace_one(struct grant_list *l)
{
    return unmap_some(l, true);
}

/* ---- copy, swap ---- */

static ALWAYS_INLINE s64 copy_one(struct grant_list *l)
{
    struct gnttab_copy op;

    if (unlikely(!copy_from_guest(&op, l->at, sizeof(op))))
        return refuse(-XEN_EFAULT, l->at);
    s64 error = grant_copy(l->caller, &op);
    if (unlikely(error))
        return error;
    u64 answer = op.len | (u64)op.flags << 16 | (u64)(u16)op.status << 32;
    if (unlikely(!put_guest_u64(l->at + offsetof(struct gnttab_copy, len), answer)))
        return refuse(-XEN_EFAULT, l->at);
    l->at += sizeof(op);
    l->left--;
    return 0;
}

static s64 swap_one(struct grant_list *l)
{
    struct gnttab_swap_grant_ref op;
    struct domain_memory *own = l->caller->own;

    if (!copy_from_guest(&op, l->at, sizeof(op)))
        return refuse(-XEN_EFAULT, l->at);
    if (!memory_enter(own))
        return -XEN_ERESTART;
    op.status = grant_swap(own, op.ref_a, op.ref_b);
    memory_leave(own);
    if (!copy_to_guest(l->at, &op, sizeof(op)))
        return refuse(-XEN_EFAULT, l->at);
    l->at += sizeof(op);
    l->left--;
    return 0;
}

/* ---- lists ---- */

static ALWAYS_INLINE s64 run_list(u64 cmd, u64 at, u64 count, s64 (*some)(struct grant_list *))
{
    struct vcpu *v = current_vcpu();
    struct grant_caller caller = { .own = &v->domain->mem, .cr3 = v->ctx.cr3_kernel };
    struct grant_list l = { .caller = &caller, .at = at, .left = (u32)count };
    s64 error = 0;

    while (l.left && !error) {
        error = some(&l);
        if (l.left && !error && unlikely(work_pending()))
            error = -XEN_ERESTART;
    }
    grant_caller_done(&caller);
    if (unlikely(error == -XEN_ERESTART))
        return go_on(cmd, l.at, l.left);
    return error;
}

/* ---- the table itself ---- */

/* A domain by number, for questions about its table: *status says why there is none. To be dropped by mmu_drop_owner. */
static struct domain_memory *find_table_owner(u16 domid, s16 *status)
{
    struct domain_memory *m;

    *status = GNTST_bad_domain;
    if (mmu_find_any(domid, &m))
        return NULL;
    *status = GNTST_okay;
    if (!mmu_may_touch(m))
        return m;
    mmu_drop_owner(m);
    *status = GNTST_permission_denied;
    return NULL;
}

static s16 list_frames(const struct domain_memory *m, const struct gnttab_setup_table *op)
{
    for (u32 i = 0; i < op->nr_frames; i++)
        if (!put_guest_u64(op->frame_list + i * sizeof(u64), grant_table_frame(m, i).n))
            return (s16)refuse(GNTST_bad_virt_addr, op->frame_list);
    return GNTST_okay;
}

/* 0 and op->status; or -XEN_ERESTART. */
static s64 setup_for(struct domain_memory *m, struct gnttab_setup_table *op)
{
    if (op->nr_frames > GRANT_FRAMES_MAX) {
        op->status = (s16)refuse(GNTST_general_error, op->nr_frames);
        return 0;
    }
    s64 error = grant_table_grow(m, max(op->nr_frames, 1U));
    if (error == -XEN_ERESTART)
        return error;
    op->status = error ? GNTST_general_error : list_frames(m, op);
    return 0;
}

static s64 setup_table(u64 arg)
{
    struct gnttab_setup_table op;
    s64 error = 0;

    if (!copy_from_guest(&op, arg, sizeof(op)))
        return refuse(-XEN_EFAULT, arg);
    struct domain_memory *m = find_table_owner(op.dom, &op.status);
    if (m) {
        error = setup_for(m, &op);
        mmu_drop_owner(m);
    }
    if (error == -XEN_ERESTART)
        return go_on(GNTTABOP_setup_table, arg, 1);
    return copy_to_guest(arg + offsetof(struct gnttab_setup_table, status), &op.status,
                         sizeof(op.status))
               ? 0
               : refuse(-XEN_EFAULT, arg);
}

static s64 query_size(u64 arg)
{
    struct gnttab_query_size op;

    if (!copy_from_guest(&op, arg, sizeof(op)))
        return refuse(-XEN_EFAULT, arg);
    struct domain_memory *m = find_table_owner(op.dom, &op.status);
    if (m) {
        op.nr_frames = grant_table_frames(m);
        op.max_nr_frames = GRANT_FRAMES_MAX;
        mmu_drop_owner(m);
    }
    return copy_to_guest(arg, &op, sizeof(op)) ? 0 : refuse(-XEN_EFAULT, arg);
}

/* Version 2 is refused as Xen does it with gnttab=max-ver:1, and guests stay with what they have. */
static s64 set_version(u64 arg)
{
    struct gnttab_set_version op;

    if (!copy_from_guest(&op, arg, sizeof(op)))
        return refuse(-XEN_EFAULT, arg);
    if (op.version == 1)
        return copy_to_guest(arg, &op, sizeof(op)) ? 0 : refuse(-XEN_EFAULT, arg);
    return refuse(op.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL, op.version);
}

static s64 get_version(u64 arg)
{
    struct gnttab_get_version op;
    struct domain_memory *m;

    if (!copy_from_guest(&op, arg, sizeof(op)))
        return refuse(-XEN_EFAULT, arg);
    s64 error = mmu_find_any(op.dom, &m);
    if (error)
        return error;
    error = mmu_may_touch(m);
    mmu_drop_owner(m);
    op.version = 1;
    if (error)
        return error;
    return copy_to_guest(arg, &op, sizeof(op)) ? 0 : refuse(-XEN_EFAULT, arg);
}

/* Those that take one argument, not a list. */
static s64 one_op(u64 cmd, u64 arg, u64 count)
{
    switch (cmd) {
    case GNTTABOP_setup_table:
        return count == 1 ? setup_table(arg) : refuse(-XEN_EINVAL, count);
    case GNTTABOP_query_size:
        return count == 1 ? query_size(arg) : refuse(-XEN_EINVAL, count);
    case GNTTABOP_set_version:
        return set_version(arg);
    case GNTTABOP_get_version:
        return get_version(arg);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

s64 hc_grant_table_op(u64 cmd, u64 arg, u64 count, u64 a4, u64 a5, u64 a6)
{
    (void)a4, (void)a5, (void)a6;
    cmd = (u32)cmd;
    count = (u32)count;
    if (unlikely((s32)count < 0))
        return refuse(-XEN_EINVAL, count);
    switch (cmd) {
    case GNTTABOP_map_grant_ref:
        return run_list(cmd, arg, count, map_one);
    case GNTTABOP_unmap_grant_ref:
        return run_list(cmd, arg, count, unmap_one);
    case GNTTABOP_copy:
        return run_list(cmd, arg, count, copy_one);
    case GNTTABOP_unmap_and_replace:
        return run_list(cmd, arg, count, replace_one);
    case GNTTABOP_swap_grant_ref:
        return run_list(cmd, arg, count, swap_one);
    default:
        return one_op(cmd, arg, count);
    }
}
