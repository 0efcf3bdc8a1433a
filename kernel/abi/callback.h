/*
 * HYPERVISOR_callback_op(cmd, arg): where the hypervisor enters the guest kernel for anything but exceptions.
 * Source: Xen's public callback.h.
 */
#ifndef KOAN_ABI_CALLBACK_H
#define KOAN_ABI_CALLBACK_H

#include "lib/types.h"

#define CALLBACKOP_register   0
#define CALLBACKOP_unregister 1

#define CALLBACKTYPE_event               0 /* an event waits; always masks further ones */
#define CALLBACKTYPE_failsafe            1 /* a selector could not be loaded on the way back */
#define CALLBACKTYPE_syscall             2 /* `syscall` in guest user mode */
#define CALLBACKTYPE_sysenter_deprecated 3
#define CALLBACKTYPE_nmi                 4
#define CALLBACKTYPE_sysenter            5 /* 32-bit user mode */
#define CALLBACKTYPE_syscall32           7 /* 32-bit user mode */

#define CALLBACKF_mask_events 0x1 /* enter with events masked */

struct callback_register {
    u16 type;    /* CALLBACKTYPE_* */
    u16 flags;   /* CALLBACKF_* */
    u64 address; /* of the handler */
};
static_assert(sizeof(struct callback_register) == 16, "ABI");
static_assert(offsetof(struct callback_register, address) == 8, "ABI");

struct callback_unregister {
    u16 type;
    u16 _unused;
};
static_assert(sizeof(struct callback_unregister) == 4, "ABI");

/* HYPERVISOR_nmi_op(cmd, arg), the older way to register an NMI handler. Source: Xen's public nmi.h. */
#define XENNMI_register_callback   0 /* struct xennmi_callback */
#define XENNMI_unregister_callback 1

/* In shared_info: why the last NMI of the machine came. */
#define XEN_NMIREASON_unknown (1UL << 2)

struct xennmi_callback {
    u64 handler_address;
    u64 pad;
};
static_assert(sizeof(struct xennmi_callback) == 16, "ABI");

#endif
