/*
 * vcpu_op as far as a single vCPU needs it (Xen's public vcpu.h): state, run-state area, vcpu_info in a frame of the guest's own. Timers and
 * further vCPUs come with the whole PV interface.
 */
#include "abi/vcpu.h"
#include "domain/sched.h"
#include "domain/time.h"
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

static s64 register_info(struct vcpu *v, u64 arg)
{
    struct vcpu_register_vcpu_info r;
    struct domain_memory *m = &v->domain->mem;

    if (!copy_from_guest(&r, arg, sizeof(r)))
        return refuse(-XEN_EFAULT, arg);
    if (v->info_mfn.n != INVALID_MFN.n)
        return refuse(-XEN_EINVAL, v->id);
    if (r.offset > PAGE_SIZE - sizeof(struct vcpu_info) || r.offset % 8)
        return refuse(-XEN_EINVAL, r.offset);
    if (!memory_enter(m))
        return -XEN_ERESTART;
    s64 error = type_get(m, MFN(r.mfn), FRAME_WRITABLE, NULL);
    if (!error)
        move_info(v, MFN(r.mfn), r.offset);
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

/* One's own only, as Xen. */
static s64 set_singleshot(struct vcpu *v, u64 arg)
{
    struct vcpu_set_singleshot_timer set;

    if (v != current_vcpu())
        return refuse(-XEN_EINVAL, v->id);
    if (!copy_from_guest(&set, arg, sizeof(set)))
        return refuse(-XEN_EFAULT, arg);
    if ((set.flags & VCPU_SSHOTTMR_future) && set.timeout_abs_ns < clock_ns())
        return refuse(-XEN_ETIME, set.timeout_abs_ns);
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

s64 hc_vcpu_op(u64 cmd, u64 id, u64 arg, u64 a4, u64 a5, u64 a6)
{
    struct domain *d = current_domain();
    s64 result;

    id = (u32)id;
    if (id >= d->max_vcpus || !d->vcpus[id])
        return refuse(-XEN_ENOENT, id);
    struct vcpu *v = d->vcpus[id];
    switch ((u32)cmd) {
    case VCPUOP_is_up:
        return !(v->waits & WAIT_DOWN);
    case VCPUOP_get_runstate_info:
        return get_runstate(v, arg);
    case VCPUOP_register_runstate_memory_area:
        return register_runstate_area(v, arg);
    case VCPUOP_register_vcpu_info:
        result = register_info(v, arg);
        if (unlikely(result == -XEN_ERESTART))
            return hypercall_restart(__HYPERVISOR_vcpu_op, cmd, id, arg, a4, a5, a6);
        return result;
    case VCPUOP_set_periodic_timer:
        return set_periodic(v, arg);
    case VCPUOP_stop_periodic_timer:
        vcpu_timer_set_periodic(v, 0);
        return 0;
    case VCPUOP_set_singleshot_timer:
        return set_singleshot(v, arg);
    case VCPUOP_stop_singleshot_timer:
        return stop_singleshot(v);
    case VCPUOP_up:
        return !(v->waits & WAIT_DOWN) ? 0 : refuse(-XEN_EINVAL, id); /* not initialised */
    case VCPUOP_initialise:
        return !(v->waits & WAIT_DOWN) ? refuse(-XEN_EEXIST, id) : refuse(-XEN_ENOSYS, id);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}
