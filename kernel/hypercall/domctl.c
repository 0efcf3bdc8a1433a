/*
 * domctl: a privileged domain manages others (Xen's public domctl.h; abi/domctl.h). Here: who may, which domain, and what concerns domains as
 * a whole; vCPUs and memory have files of their own.
 *
 * The order of refusals is Xen's: pointer, version, domain, right.
 */
#include "hypercall/domctl.h"
#include "abi/event_channel.h"
#include "domain/control.h"
#include "domain/sched.h"
#include "domain/time.h"
#include "hypercall/handlers.h"
#include "lib/string.h"

/* ---- a domain as a whole ---- */

/* Only PV domains; no security labels, pools or other features that Koan hasn't. */
static s64 check_create(const struct xen_domctl_createdomain *c)
{
    if (c->flags & ~XEN_DOMCTL_CDF_xs_domain)
        return refuse(-XEN_EINVAL, c->flags);
    if (!c->max_vcpus || c->max_vcpus > MAX_VCPUS)
        return refuse(-XEN_EINVAL, c->max_vcpus);
    if (c->iommu_opts || c->vmtrace_size || c->cpupool_id || c->arch.emulation_flags)
        return refuse(-XEN_EINVAL, c->iommu_opts);
    if (!(c->grant_opts & XEN_DOMCTL_GRANT_version_mask) || c->grant_opts > 2)
        return refuse(-XEN_EINVAL, c->grant_opts);
    if (c->arch.misc_flags & ~XEN_X86_MSR_RELAXED)
        return refuse(-XEN_EINVAL, c->arch.misc_flags);
    return 0;
}

static s64 create(struct domctl_call *c)
{
    const struct xen_domctl_createdomain *args = &c->op.u.createdomain;
    u16 wanted = c->op.domain < DOMID_FIRST_RESERVED ? c->op.domain : 0;
    u16 id;
    s64 error = check_create(args);

    if (!error)
        error = control_create(wanted, args->max_vcpus, args->handle, &id);
    if (error)
        return error;
    c->op.domain = id;
    c->answer = true;
    return 0;
}

static u64 run_time(struct vcpu *v)
{
    struct vcpu_runstate_info info;

    sched_get_runstate(v, &info);
    return info.time[RUNSTATE_running];
}

static u32 describe_vcpus(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    bool running = false, awake = false;

    for (u32 i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpus[i];
        if (!v)
            continue;
        info->cpu_time += run_time(v);
        info->max_vcpu_id = i;
        if (!sched_is_up(v))
            continue;
        info->nr_online_vcpus++;
        running |= v->state == VCPU_RUNNING;
        awake |= !(v->waits & WAIT_EVENT);
    }
    return (running ? XEN_DOMINF_running : 0) | (awake ? 0 : XEN_DOMINF_blocked);
}

void domain_describe(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    *info = (struct xen_domctl_getdomaininfo){ .domain = d->id,
                                               .tot_pages = d->mem.pages,
                                               .max_pages = d->mem.max_pages,
                                               .shared_info_frame = d->shared_mfn.n,
                                               .max_vcpu_id = XEN_INVALID_MAX_VCPU_ID };
    memcpy(info->handle, d->handle, sizeof(info->handle));
    info->flags = describe_vcpus(d, info) | (d->dying ? XEN_DOMINF_dying : 0) |
                  (d->pauses ? XEN_DOMINF_paused : 0);
    if (d->shut_down || d->dying)
        info->flags |= XEN_DOMINF_shutdown | (d->end_reason & XEN_DOMINF_shutdownmask)
                                                 << XEN_DOMINF_shutdownshift;
}

/* Of this one, or of the next that there is. */
static s64 get_info(struct domctl_call *c)
{
    struct domain *d = c->d ? c->d : domain_hold_from(c->op.domain);

    if (c->op.domain >= DOMID_FIRST_RESERVED)
        return refuse(-XEN_EINVAL, c->op.domain);
    if (!d)
        return refuse(-XEN_ESRCH, c->op.domain);
    domain_describe(d, &c->op.u.getdomaininfo);
    c->op.domain = d->id;
    c->answer = true;
    if (d != c->d)
        domain_let_go(d);
    return 0;
}

static s64 pause(struct domctl_call *c)
{
    return c->d == current_domain() ? refuse(-XEN_EINVAL, c->d->id) : control_pause(c->d);
}

static s64 unpause(struct domctl_call *c)
{
    return control_unpause(c->d);
}

static s64 destroy(struct domctl_call *c)
{
    if (c->d == current_domain())
        return refuse(-XEN_EINVAL, c->d->id);
    control_destroy(c->d);
    current_vcpu()->destroying = c->d->serial;
    current_vcpu()->destroying_id = c->d->id;
    return -XEN_ERESTART;
}

static s64 set_handle(struct domctl_call *c)
{
    memcpy(c->d->handle, c->op.u.setdomainhandle.handle, sizeof(c->d->handle));
    return 0;
}

static s64 set_time_offset(struct domctl_call *c)
{
    c->d->time_offset = c->op.u.settimeoffset.time_offset_seconds;
    time_set_wallclock(c->d);
    return 0;
}

/* The guest's TSC is the machine's, always: that is mode 2, and for mode 0 the guest's own choice. */
static s64 set_tsc(struct domctl_call *c)
{
    u32 mode = c->op.u.tsc_info.tsc_mode;

    return mode == 0 || mode == 2 ? 0 : refuse(-XEN_EOPNOTSUPP, mode);
}

static s64 set_address_size(struct domctl_call *c)
{
    u32 size = c->op.u.address_size.size;

    return size == 64 ? 0 : refuse(-XEN_EINVAL, size);
}

static s64 get_address_size(struct domctl_call *c)
{
    c->op.u.address_size.size = 64;
    c->answer = true;
    return 0;
}

/* ---- by number ---- */

#define COMMANDS_MAX 84

/* All that need a living domain. */
static domctl_fn *const commands[COMMANDS_MAX] = {
    [XEN_DOMCTL_pausedomain] = pause,
    [XEN_DOMCTL_unpausedomain] = unpause,
    [XEN_DOMCTL_setvcpuaffinity] = domctl_set_affinity,
    [XEN_DOMCTL_max_mem] = domctl_max_mem,
    [XEN_DOMCTL_setvcpucontext] = domctl_set_context,
    [XEN_DOMCTL_getvcpucontext] = domctl_get_context,
    [XEN_DOMCTL_getvcpuinfo] = domctl_vcpu_info,
    [XEN_DOMCTL_max_vcpus] = domctl_max_vcpus,
    [XEN_DOMCTL_scheduler_op] = domctl_scheduler,
    [XEN_DOMCTL_setdomainhandle] = set_handle,
    [XEN_DOMCTL_hypercall_init] = domctl_hypercall_page,
    [XEN_DOMCTL_settimeoffset] = set_time_offset,
    [XEN_DOMCTL_getvcpuaffinity] = domctl_get_affinity,
    [XEN_DOMCTL_set_address_size] = set_address_size,
    [XEN_DOMCTL_get_address_size] = get_address_size,
    [XEN_DOMCTL_settscinfo] = set_tsc,
    [XEN_DOMCTL_getpageframeinfo3] = domctl_page_info,
    [XEN_DOMCTL_setnodeaffinity] = domctl_set_nodes,
    [XEN_DOMCTL_getnodeaffinity] = domctl_get_nodes,
    [XEN_DOMCTL_get_cpu_policy] = domctl_get_policy,
    [XEN_DOMCTL_set_cpu_policy] = domctl_set_policy,
};

static s64 on_living(struct domctl_call *c)
{
    u32 cmd = c->op.cmd;

    if (cmd >= COMMANDS_MAX || !commands[cmd])
        return refuse(-XEN_EOPNOTSUPP, cmd);
    return c->d->dying ? refuse(-XEN_ESRCH, c->d->id) : commands[cmd](c);
}

static s64 run(struct domctl_call *c)
{
    u32 cmd = c->op.cmd;

    if (!c->d && cmd != XEN_DOMCTL_createdomain && cmd != XEN_DOMCTL_getdomaininfo)
        return refuse(-XEN_ESRCH, c->op.domain);
    if (!current_domain()->privileged)
        return refuse(-XEN_EPERM, cmd);
    switch (cmd) {
    case XEN_DOMCTL_createdomain:
        return create(c);
    case XEN_DOMCTL_getdomaininfo:
        return get_info(c);
    case XEN_DOMCTL_destroydomain:
        return destroy(c);
    default:
        return on_living(c);
    }
}

/* With one call at a time; the domain is let go before teardown gets its turn. */
static s64 run_alone(struct domctl_call *c)
{
    if (!control_enter())
        return -XEN_ERESTART;
    c->d = c->op.cmd == XEN_DOMCTL_createdomain ? NULL : control_get(c->op.domain);
    s64 error = run(c);
    if (c->d)
        control_put(c->d);
    control_leave();
    return error;
}

/* A destroydomain that goes on: the domain may be gone meanwhile, and then all is done. */
static bool destroy_goes_on(const struct xen_domctl *op)
{
    struct vcpu *v = current_vcpu();

    if (likely(!v->destroying))
        return false;
    bool goes_on = op->cmd == XEN_DOMCTL_destroydomain && op->domain == v->destroying_id;
    if (!goes_on)
        v->destroying = 0;
    return goes_on;
}

static s64 destroy_step(void)
{
    struct vcpu *v = current_vcpu();

    if (!control_reaped(v->destroying_id, v->destroying))
        return -XEN_ERESTART;
    v->destroying = 0;
    return 0;
}

static s64 domctl(struct domctl_call *c, u64 arg)
{
    if (!copy_from_guest(&c->op, arg, sizeof(c->op)))
        return refuse(-XEN_EFAULT, arg);
    if (c->op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return refuse(-XEN_EACCES, c->op.interface_version);
    if (destroy_goes_on(&c->op))
        return destroy_step();
    s64 error = run_alone(c);
    if (c->answer && !copy_to_guest(arg, &c->op, sizeof(c->op)))
        return refuse(-XEN_EFAULT, arg);
    return error;
}

s64 hc_domctl(u64 arg, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct domctl_call c = { .d = NULL };
    s64 error = domctl(&c, arg);

    if (error == -XEN_ERESTART)
        return hypercall_restart(__HYPERVISOR_domctl, arg, a2, a3, a4, a5, a6);
    return error;
}
