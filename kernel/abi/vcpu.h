/*
 * HYPERVISOR_vcpu_op(cmd, vcpu, arg): start and stop vCPUs, place the areas that they share, set their timers.
 * An id without a vCPU answers -ENOENT. Source: Xen's public vcpu.h.
 */
#ifndef KOAN_ABI_VCPU_H
#define KOAN_ABI_VCPU_H

#include "abi/xen.h"

#define VCPUOP_initialise                     0 /* struct vcpu_guest_context */
#define VCPUOP_up                             1
#define VCPUOP_down                           2
#define VCPUOP_is_up                          3 /* result: 1 or 0 */
#define VCPUOP_get_runstate_info              4 /* struct vcpu_runstate_info */
#define VCPUOP_register_runstate_memory_area  5 /* struct vcpu_register_runstate_memory_area */
#define VCPUOP_set_periodic_timer             6 /* struct vcpu_set_periodic_timer */
#define VCPUOP_stop_periodic_timer            7
#define VCPUOP_set_singleshot_timer           8 /* struct vcpu_set_singleshot_timer */
#define VCPUOP_stop_singleshot_timer          9
#define VCPUOP_register_vcpu_info             10 /* struct vcpu_register_vcpu_info */
#define VCPUOP_send_nmi                       11
#define VCPUOP_get_physid                     12 /* struct vcpu_get_physid */
#define VCPUOP_register_vcpu_time_memory_area 13 /* struct vcpu_register_time_memory_area */

/* States of a vCPU, for accounting. */
#define RUNSTATE_running  0 /* on a CPU */
#define RUNSTATE_runnable 1 /* waits for a CPU */
#define RUNSTATE_blocked  2 /* waits for an event */
#define RUNSTATE_offline  3 /* down or paused */

struct vcpu_runstate_info {
    s32 state;            /* RUNSTATE_* */
    u64 state_entry_time; /* ns of system time; bit 63: being written */
    u64 time[4];          /* ns spent in each state */
};
static_assert(sizeof(struct vcpu_runstate_info) == 48, "ABI");

#define XEN_RUNSTATE_UPDATE                                                                        \
    (1ULL << 63) /* in state_entry_time, with VMASST_TYPE_runstate_update_flag */

struct vcpu_register_runstate_memory_area {
    union {
        u64 p; /* virtual address of a struct vcpu_runstate_info */
    } addr;
};
static_assert(sizeof(struct vcpu_register_runstate_memory_area) == 8, "ABI");

struct vcpu_set_periodic_timer {
    u64 period_ns;
};

struct vcpu_set_singleshot_timer {
    u64 timeout_abs_ns; /* system time */
    u32 flags;          /* VCPU_SSHOTTMR_* */
};
static_assert(sizeof(struct vcpu_set_singleshot_timer) == 16, "ABI");

#define VCPU_SSHOTTMR_future                                                                       \
    0x1 /* answer -ETIME if that time has passed; Xen 4.17 doesn't look at it */

struct vcpu_register_vcpu_info {
    u64 mfn;    /* frame in which the vcpu_info shall stand from now on */
    u32 offset; /* bytes; must not cross the end of the frame */
    u32 rsvd;
};
static_assert(sizeof(struct vcpu_register_vcpu_info) == 16, "ABI");

struct vcpu_get_physid {
    u64 phys_id; /* low half APIC id, high half ACPI id */
};

struct vcpu_register_time_memory_area {
    union {
        u64 p; /* virtual address of a struct vcpu_time_info */
    } addr;
};
static_assert(sizeof(struct vcpu_register_time_memory_area) == 8, "ABI");

#endif
