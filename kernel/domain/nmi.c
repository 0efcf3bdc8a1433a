/*
 * NMIs of guests: see nmi.h.
 */
#include "domain/nmi.h"
#include "abi/callback.h"
#include "domain/bounce.h"
#include "domain/sched.h"

void nmi_send(struct vcpu *v)
{
    __atomic_store_n(&v->nmi_pending, true, __ATOMIC_SEQ_CST);
    sched_wake(v, WAIT_EVENT);
    sched_kick_upcall(v);
}

/* What the hardware means by it the hypervisor can't tell. */
void nmi_pass_on(void)
{
    struct domain *d = domain_hold(0);

    if (!d)
        return;
    __atomic_fetch_or(&d->shared->arch.nmi_reason, XEN_NMIREASON_unknown, __ATOMIC_SEQ_CST);
    nmi_send(d->vcpus[0]);
    domain_let_go(d);
}

void nmi_registered(struct vcpu *v)
{
    if (v->id == 0 && v->domain->shared->arch.nmi_reason)
        nmi_send(v);
}

/*
 * At the handler that the guest has registered for NMIs, or at its trap table's; without one it is lost, as with Xen. No other comes before the
 * handler's iret.
 */
void nmi_deliver(struct vcpu *v, struct regs *regs)
{
    const struct guest_trap *t = &v->ctx.traps[TRAP_NMI];
    struct guest_callback callback = { .address = v->ctx.nmi.address, .mask = true };

    if (v->ctx.in_kernel == MODE_NMI)
        return;
    __atomic_store_n(&v->nmi_pending, false, __ATOMIC_SEQ_CST);
    if (!callback.address)
        callback = (struct guest_callback){ .address = t->address, .mask = t->mask };
    if (!callback.address)
        return;
    bounce_callback(v, regs, &callback, "NMI");
    v->ctx.in_kernel = MODE_NMI;
}
