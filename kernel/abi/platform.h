/*
 * HYPERVISOR_platform_op(struct xen_platform_op *): the hardware domain tells the hypervisor about the machine.
 *
 * Only setting the wall clock is here. Source: Xen's public platform.h, interface version 0x03000001.
 */
#ifndef KOAN_ABI_PLATFORM_H
#define KOAN_ABI_PLATFORM_H

#include "abi/xen.h"

#define XENPF_INTERFACE_VERSION 0x03000001

#define XENPF_settime32 17
#define XENPF_settime64 62

/* The wall clock reads secs and nsecs after 1970 when the system time is system_time (ns). */
struct xenpf_settime32 {
    u32 secs;
    u32 nsecs;
    u64 system_time;
};
static_assert(sizeof(struct xenpf_settime32) == 16, "ABI");

struct xenpf_settime64 {
    u64 secs;
    u32 nsecs;
    u32 mbz; /* 0 */
    u64 system_time;
};
static_assert(sizeof(struct xenpf_settime64) == 24, "ABI");

struct xen_platform_op {
    u32 cmd;
    u32 interface_version; /* XENPF_INTERFACE_VERSION */
    union {
        struct xenpf_settime32 settime32;
        struct xenpf_settime64 settime64;
        u8 pad[128];
    } u;
};
static_assert(sizeof(struct xen_platform_op) == 136, "ABI");

#endif
