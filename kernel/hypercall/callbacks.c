/*
 * Where the guest wants to be entered: trap table, event, failsafe, system call and NMI callbacks; and on which stack.
 *
 * Addresses must be canonical, or the guest could make the hypervisor's own return fault; which selectors work is found out by IRETQ.
 */
#include "abi/callback.h"
#include "domain/nmi.h"
#include "hypercall/handlers.h"

static void clear_traps(struct vcpu *v)
{
    for (u32 i = 0; i < 256; i++)
        v->ctx.traps[i] = (struct guest_trap){ 0 };
}

/* NULL clears the table. The list ends with address 0; a long one is interruptible. */
s64 hc_set_trap_table(u64 list, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct vcpu *v = current_vcpu();
    struct trap_info t;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (!list) {
        clear_traps(v);
        return 0;
    }
    for (;; list += sizeof(t)) {
        if (!copy_from_guest(&t, list, sizeof(t)))
            return refuse(-XEN_EFAULT, list);
        if (!t.address)
            return 0;
        if (!is_canonical(t.address))
            return refuse(-XEN_EINVAL, t.address);
        v->ctx.traps[t.vector] = (struct guest_trap){ .address = t.address,
                                                      .cs = t.cs | 3,
                                                      .dpl = t.flags & TI_DPL_MASK,
                                                      .mask = t.flags & TI_MASK_EVENTS };
        if (work_pending())
            return hypercall_restart(__HYPERVISOR_set_trap_table, list + sizeof(t), a2, a3, a4, a5,
                                     a6);
    }
}

s64 hc_set_callbacks(u64 event, u64 failsafe, u64 syscall, u64 a4, u64 a5, u64 a6)
{
    struct vcpu_context *c = &current_vcpu()->ctx;

    (void)a4, (void)a5, (void)a6;
    if (!is_canonical(event) || !is_canonical(failsafe) || !is_canonical(syscall))
        return refuse(-XEN_EINVAL, event);
    c->event.address = event;
    c->failsafe.address = failsafe;
    c->syscall.address = syscall;
    return 0;
}

static struct guest_callback *callback_slot(struct vcpu_context *c, u16 type)
{
    switch (type) {
    case CALLBACKTYPE_event:
        return &c->event;
    case CALLBACKTYPE_failsafe:
        return &c->failsafe;
    case CALLBACKTYPE_syscall:
        return &c->syscall;
    case CALLBACKTYPE_syscall32:
        return &c->syscall32;
    case CALLBACKTYPE_sysenter:
        return &c->sysenter;
    case CALLBACKTYPE_nmi:
        return &c->nmi;
    default:
        return NULL;
    }
}

static s64 callback_register(struct vcpu_context *c, u64 arg)
{
    struct callback_register r;

    if (!copy_from_guest(&r, arg, sizeof(r)))
        return refuse(-XEN_EFAULT, arg);
    struct guest_callback *slot = callback_slot(c, r.type);
    if (!slot)
        return refuse(-XEN_ENOSYS, r.type);
    if (!is_canonical(r.address))
        return refuse(-XEN_EINVAL, r.address);
    slot->address = r.address;
    slot->mask = r.flags & CALLBACKF_mask_events;
    if (slot == &c->nmi)
        nmi_registered(current_vcpu());
    return 0;
}

/* Only the NMI callback can be taken back. */
static s64 callback_unregister(struct vcpu_context *c, u64 arg)
{
    struct callback_unregister u;

    if (!copy_from_guest(&u, arg, sizeof(u)))
        return refuse(-XEN_EFAULT, arg);
    if (u.type == CALLBACKTYPE_nmi) {
        c->nmi = (struct guest_callback){ 0 };
        return 0;
    }
    return callback_slot(c, u.type) ? refuse(-XEN_EINVAL, u.type) : refuse(-XEN_ENOSYS, u.type);
}

s64 hc_callback_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct vcpu_context *c = &current_vcpu()->ctx;

    (void)a3, (void)a4, (void)a5, (void)a6;
    switch ((u32)cmd) {
    case CALLBACKOP_register:
        return callback_register(c, arg);
    case CALLBACKOP_unregister:
        return callback_unregister(c, arg);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

s64 hc_nmi_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct vcpu_context *c = &current_vcpu()->ctx;
    struct xennmi_callback callback;

    (void)a3, (void)a4, (void)a5, (void)a6;
    switch ((u32)cmd) {
    case XENNMI_register_callback:
        if (!copy_from_guest(&callback, arg, sizeof(callback)))
            return refuse(-XEN_EFAULT, arg);
        if (!is_canonical(callback.handler_address))
            return refuse(-XEN_EINVAL, callback.handler_address);
        c->nmi = (struct guest_callback){ .address = callback.handler_address };
        nmi_registered(current_vcpu());
        return 0;
    case XENNMI_unregister_callback:
        c->nmi = (struct guest_callback){ 0 };
        return 0;
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

s64 hc_stack_switch(u64 ss, u64 sp, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct vcpu_context *c = &current_vcpu()->ctx;

    (void)a3, (void)a4, (void)a5, (void)a6;
    c->kernel_ss = (u16)ss | 3;
    c->kernel_sp = sp;
    return 0;
}
