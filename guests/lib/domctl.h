/*
 * The calls of a privileged domain that manages others: domctl and sysctl, with the version filled in.
 */
#ifndef GUEST_DOMCTL_H
#define GUEST_DOMCTL_H

#include "abi/domctl.h"
#include "abi/event_channel.h"
#include "abi/sysctl.h"
#include "hypercall.h"

static inline s64 domctl(struct xen_domctl *op)
{
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    return hypercall(__HYPERVISOR_domctl, (u64)op, 0, 0, 0, 0);
}

/* One that needs no arguments but the domain: destroy, pause, unpause. */
static inline s64 domctl_plain(u32 cmd, u16 domid)
{
    struct xen_domctl op = { .cmd = cmd, .domain = domid };

    return domctl(&op);
}

static inline s64 sysctl(struct xen_sysctl *op)
{
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hypercall(__HYPERVISOR_sysctl, (u64)op, 0, 0, 0, 0);
}

#endif
