/*
 * Several vCPUs in one guest: each has a stack, a function to run, and a slot in the shared page.
 *
 * They share the address space, the trap table and the callbacks of the first. vcpu_id() tells them apart.
 */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "guest.h"
#include "vcpu.h"

/* Start vCPU `id` with f(argument): initialise and up. 0, or what the hypervisor answers. When f returns, the vCPU goes down. */
s64 smp_start(u32 id, void (*f)(u64), u64 argument);

/* The context that smp_start would give it, for tests that want to change it: then vcpu_op(VCPUOP_initialise) with it. */
struct vcpu_guest_context *smp_context(u32 id, void (*f)(u64), u64 argument);

/* How many vCPUs the domain has, by VCPUOP_is_up. */
u32 smp_count(void);

bool smp_is_up(u32 id);

/* This vCPU's upcall flags: what events_info is from the first smp_start on. */
struct vcpu_info *smp_info(void);

#endif
