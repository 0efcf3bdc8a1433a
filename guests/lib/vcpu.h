/*
 * Which vCPU runs this, and what each has of its own in this runtime.
 *
 * It is told by the stack: those that smp.c hands out stand in a row, one for each vCPU, and whoever runs on any other is vCPU 0. So a guest may do
 * with its segment registers and their bases what it likes, and a handler of an exception knows where it is from its first instruction on.
 */
#ifndef GUEST_VCPU_H
#define GUEST_VCPU_H

#include "lib/types.h"

#define VCPU_MAX 32

/* Bytes for each vCPU but the first: the lower part is for entries from guest user mode (vcpu_entry_stack), the rest for its own function. */
#define VCPU_STACK       24576
#define VCPU_ENTRY_STACK 8192

/* The last exception that a probe ran into; vector -1: none. */
struct trap_info_last {
    int vector;
    u64 error;
    u64 cr2; /* of a page fault */
    u64 rip;
};

struct trap_frame;

/* Read and written only by the vCPU that it belongs to. The first three are known to entry.asm. */
struct vcpu_own {
    u64 probe_rsp, probe_rip;   /* where a running probe_call lands; rip 0: none runs */
    u64 user_rsp;               /* to where user_leave goes back */
    struct trap_frame *user;    /* registers of the user_run that is going on, or NULL */
    struct trap_info_last last; /* trap.h */
    u64 l4_mfn; /* what its kernel mode runs on; 0: what the domain was started with */
};

/* 0 .. VCPU_MAX - 1. */
u32 vcpu_id(void);

struct vcpu_own *vcpu_own(void);

/* The top of a stack for the entries from guest user mode. */
u64 vcpu_entry_stack(void);

/* From smp.c: VCPU_MAX stacks begin here, the first of them unused. */
void vcpu_stacks(const void *first);

#endif
