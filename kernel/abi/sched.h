/*
 * HYPERVISOR_sched_op(cmd, arg): give the CPU away, wait, or end. Source: Xen's public sched.h.
 */
#ifndef KOAN_ABI_SCHED_H
#define KOAN_ABI_SCHED_H

#include "abi/xen.h"

#define SCHEDOP_yield           0 /* no argument */
#define SCHEDOP_block           1 /* clears the upcall mask, sleeps until an event waits */
#define SCHEDOP_shutdown        2 /* struct sched_shutdown; ends the domain */
#define SCHEDOP_poll            3 /* struct sched_poll; sleeps until one of some ports has an event */
#define SCHEDOP_remote_shutdown 4 /* privileged: of another domain */
#define SCHEDOP_shutdown_code   5 /* as shutdown, but only notes the reason */
#define SCHEDOP_watchdog        6
#define SCHEDOP_pin_override    7

/* Reasons of a shutdown. */
#define SHUTDOWN_poweroff   0
#define SHUTDOWN_reboot     1
#define SHUTDOWN_suspend    2
#define SHUTDOWN_crash      3 /* "I crashed": registers are printed */
#define SHUTDOWN_watchdog   4
#define SHUTDOWN_soft_reset 5
#define SHUTDOWN_MAX        5

struct sched_shutdown {
    u32 reason; /* SHUTDOWN_* */
};
static_assert(sizeof(struct sched_shutdown) == 4, "ABI");

struct sched_poll {
    u64 ports; /* address of u32[nr_ports] */
    u32 nr_ports;
    u64 timeout; /* ns of system time, absolute; 0: none */
};
static_assert(sizeof(struct sched_poll) == 24, "ABI");

struct sched_remote_shutdown {
    domid_t domain_id;
    u32 reason;
};
static_assert(sizeof(struct sched_remote_shutdown) == 8, "ABI");

struct sched_watchdog {
    u32 id;      /* 0: a new one */
    u32 timeout; /* s; 0: stop it */
};
static_assert(sizeof(struct sched_watchdog) == 8, "ABI");

struct sched_pin_override {
    s32 pcpu; /* run on this CPU only, whatever the affinity; -1: no more */
};
static_assert(sizeof(struct sched_pin_override) == 4, "ABI");

#endif
