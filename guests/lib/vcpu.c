/*
 * Which vCPU runs this: see vcpu.h.
 */
#include "vcpu.h"
#include "abi/xen.h"

static struct vcpu_own own[VCPU_MAX] = { [0 ... VCPU_MAX - 1] = { .last.vector = -1 } };
static u8 first_entry_stack[VCPU_ENTRY_STACK] ALIGNED(PAGE_SIZE);
static u64 stacks; /* 0: there is one vCPU */

void vcpu_stacks(const void *first)
{
    stacks = (u64)first;
}

u32 vcpu_id(void)
{
    u64 n = ((u64)__builtin_frame_address(0) - stacks) / VCPU_STACK;

    return stacks && n < VCPU_MAX ? (u32)n : 0;
}

struct vcpu_own *vcpu_own(void)
{
    return &own[vcpu_id()];
}

u64 vcpu_entry_stack(void)
{
    u32 id = vcpu_id();

    return id ? stacks + id * VCPU_STACK + VCPU_ENTRY_STACK
              : (u64)first_entry_stack + sizeof(first_entry_stack);
}
