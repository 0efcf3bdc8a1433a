/*
 * vcpu_op (Xen's public vcpu.h): starting and stopping vCPUs, run states, timers, areas in the guest's memory.
 */
#include "abi/sched.h"
#include "abi/vcpu.h"
#include "domain/nmi.h"
#include "domain/sched.h"
#include "domain/time.h"
#include "domain/vcpu_context.h"
#include "domain/vcpu_timer.h"
#include "x86/clock.h"
#include "hypercall/handlers.h"
#include "lib/string.h"
#include "mm/memory.h"
#include "mm/type.h"

static s64 register_runstate_area(struct vcpu *v, u64 arg)
{
    struct vcpu_register_runstate_memory_area area;
    struct vcpu_runstate_info info;

    if (!copy_from_guest(&area, arg, sizeof(area)))
        return refuse(-XEN_EFAULT, arg);
    if (!guest_range_ok(area.addr.p, sizeof(info)))
        return refuse(-XEN_EFAULT, area.addr.p);
    v->runstate_va = area.addr.p;
    if (v == current_vcpu()) {
        runstate_get(v, &info);
        copy_to_guest(area.addr.p, &info,
                      sizeof(info)); /* not mapped yet is no error: Xen's neither */
    }
    return 0;
}

static s64 get_runstate(struct vcpu *v, u64 arg)
{
    struct vcpu_runstate_info info;

    sched_get_runstate(v, &info);
    return copy_to_guest(arg, &info, sizeof(info)) ? 0 : refuse(-XEN_EFAULT, arg);
}

/*
 * From now on the upcall flags stand in the guest's own frame. The old contents move along; then everything is made pending once, so that no
 * event is lost in between.
 */
static void move_info(struct vcpu *v, mfn_t mfn, u32 offset)
{
    struct vcpu_info *to = (struct vcpu_info *)((u8 *)mfn_to_virt(mfn) + offset);

    *to = *v->ctx.info;
    v->ctx.info = to;
    v->info_mfn = mfn;
    to->evtchn_upcall_pending = 1;
    to->evtchn_pending_sel = ~0UL;
    time_update(v);
}

/* Once, by itself or by another one while it is down, when it doesn't use the old one. With the memory's lock: one that is just being stopped may
 * be on its way to the same. */
static s64 place_info(struct vcpu *v, mfn_t mfn, u32 offset)
{
    if (v->info_mfn.n != INVALID_MFN.n)
        return refuse(-XEN_EINVAL, v->id);
    if (v != current_vcpu() && sched_is_up(v))
        return refuse(-XEN_EINVAL, v->id);
    s64 error = type_get(&v->domain->mem, mfn, FRAME_WRITABLE, NULL);
    if (!error)
        move_info(v, mfn, offset);
    return error;
}

static s64 register_info(struct vcpu *v, u64 arg)
{
    struct vcpu_register_vcpu_info r;
    struct domain_memory *m = &v->domain->mem;

    if (!copy_from_guest(&r, arg, sizeof(r)))
        return refuse(-XEN_EFAULT, arg);
    if (r.offset > PAGE_SIZE - sizeof(struct vcpu_info) || r.offset % 8)
        return refuse(-XEN_EINVAL, r.offset);
    if (!memory_enter(m))
        return -XEN_ERESTART;
    s64 error = place_info(v, MFN(r.mfn), r.offset);
    memory_leave(m);
    return error;
}

static s64 set_periodic(struct vcpu *v, u64 arg)
{
    struct vcpu_set_periodic_timer set;

    if (!copy_from_guest(&set, arg, sizeof(set)))
        return refuse(-XEN_EFAULT, arg);
    if (set.period_ns < PERIOD_MIN_NS)
        return refuse(-XEN_EINVAL, set.period_ns);
    if (set.period_ns > PERIOD_MAX_NS)
        return refuse(-XEN_EINVAL, set.period_ns);
    vcpu_timer_set_periodic(v, set.period_ns);
    return 0;
}

/* One's own only, as Xen; and as there VCPU_SSHOTTMR_future is not looked at: a time that has passed is now. */
static s64 set_singleshot(struct vcpu *v, u64 arg)
{
    struct vcpu_set_singleshot_timer set;

    if (v != current_vcpu())
        return refuse(-XEN_EINVAL, v->id);
    if (!copy_from_guest(&set, arg, sizeof(set)))
        return refuse(-XEN_EFAULT, arg);
    vcpu_timer_set(v, set.timeout_abs_ns);
    return 0;
}

static s64 stop_singleshot(struct vcpu *v)
{
    if (v != current_vcpu())
        return refuse(-XEN_EINVAL, v->id);
    vcpu_timer_stop(v);
    return 0;
}

/* ---- start and stop ---- */

/* The context is big, but fits on the stack of a hypercall several times. */
static NOINLINE s64 initialise_with(struct vcpu *v, u64 arg)
{
    struct vcpu_guest_context context;

    if (!copy_from_guest(&context, arg, sizeof(context)))
        return refuse(-XEN_EFAULT, arg);
    if (v->initialised)
        return refuse(-XEN_EEXIST, v->id);
    s64 error = vcpu_context_set(v, &context, &current_vcpu()->walk);
    if (!error && (context.flags & VGCF_online))
        sched_wake(v, WAIT_DOWN);
    return error;
}

/* One call at a time: another one of the same domain waits by being restarted. */
static s64 initialise(struct vcpu *v, u64 arg)
{
    if (__atomic_exchange_n(&v->initialising, true, __ATOMIC_ACQUIRE))
        return -XEN_ERESTART;
    s64 error = initialise_with(v, arg);
    __atomic_store_n(&v->initialising, false, __ATOMIC_RELEASE);
    return error;
}

static s64 up(struct vcpu *v)
{
    if (!__atomic_load_n(&v->initialised, __ATOMIC_ACQUIRE))
        return refuse(-XEN_EINVAL, v->id);
    sched_wake(v, WAIT_DOWN);
    return 0;
}

/* The last one that goes down takes the domain with it: nobody is left who could start another. */
static s64 down(struct vcpu *v)
{
    const struct domain *d = v->domain;
    bool others = false;

    sched_sleep(v, WAIT_DOWN);
    for (u32 i = 0; i < d->max_vcpus; i++)
        others |= d->vcpus[i] && sched_is_up(d->vcpus[i]);
    if (!others)
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
    return 0;
}

static s64 send_nmi(struct vcpu *v, u64 arg)
{
    if (arg)
        return refuse(-XEN_EINVAL, arg);
    nmi_send(v);
    return 0;
}

/* Only one that can't leave its CPU has such a thing. */
static s64 get_physid(struct vcpu *v, u64 arg)
{
    struct vcpu_get_physid id;
    s32 cpu = sched_pinned_to(v);

    if (!v->domain->privileged || cpu < 0)
        return refuse(-XEN_EINVAL, v->id);
    id.phys_id = cpu_of((u32)cpu)->apic_id | (u64)cpu << 32;
    return copy_to_guest(arg, &id, sizeof(id)) ? 0 : refuse(-XEN_EFAULT, arg);
}

static s64 register_time_area(struct vcpu *v, u64 arg)
{
    struct vcpu_register_time_memory_area area;

    if (!copy_from_guest(&area, arg, sizeof(area)))
        return refuse(-XEN_EFAULT, arg);
    if (!guest_range_ok(area.addr.p, sizeof(struct vcpu_time_info)))
        return refuse(-XEN_EFAULT, area.addr.p);
    v->time_va = area.addr.p;
    v->time_info = NULL; /* to be written anew, now or when it next runs */
    if (v == current_vcpu())
        time_update(v);
    return 0;
}

/* ---- by number ---- */

static s64 vcpu_op(u32 cmd, struct vcpu *v, u64 arg)
{
    switch (cmd) {
    case VCPUOP_initialise:
        return initialise(v, arg);
    case VCPUOP_up:
        return up(v);
    case VCPUOP_down:
        return down(v);
    case VCPUOP_is_up:
        return sched_is_up(v);
    case VCPUOP_get_runstate_info:
        return get_runstate(v, arg);
    case VCPUOP_register_runstate_memory_area:
        return register_runstate_area(v, arg);
    case VCPUOP_set_periodic_timer:
        return set_periodic(v, arg);
    case VCPUOP_stop_periodic_timer:
        vcpu_timer_set_periodic(v, 0);
        return 0;
    case VCPUOP_set_singleshot_timer:
        return set_singleshot(v, arg);
    case VCPUOP_stop_singleshot_timer:
        return stop_singleshot(v);
    case VCPUOP_register_vcpu_info:
        return register_info(v, arg);
    case VCPUOP_send_nmi:
        return send_nmi(v, arg);
    case VCPUOP_get_physid:
        return get_physid(v, arg);
    case VCPUOP_register_vcpu_time_memory_area:
        return register_time_area(v, arg);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}

s64 hc_vcpu_op(u64 cmd, u64 id, u64 arg, u64 a4, u64 a5, u64 a6)
{
    struct domain *d = current_domain();

    id = (u32)id;
    if (id >= d->max_vcpus || !d->vcpus[id])
        return refuse(-XEN_ENOENT, id);
    s64 result = vcpu_op((u32)cmd, d->vcpus[id], arg);
    if (unlikely(result == -XEN_ERESTART))
        return hypercall_restart(__HYPERVISOR_vcpu_op, cmd, id, arg, a4, a5, a6);
    return result;
}
