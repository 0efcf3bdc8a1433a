/*
 * A hypercall with a nonsense stack pointer: the hypervisor has its own stack and must not look at the guest's.
 *
 * `syscall` does not change rsp, so the guest decides what is in it when the hypervisor starts to run.
 */
#include "test.h"

static s64 call_on(u64 rsp, u64 number, u64 a1)
{
    s64 rc;

    __asm__ volatile(
        "mov %%rsp, %%r12\n mov %[rsp], %%rsp\n syscall\n mov %%rsp, %%r13\n mov %%r12, %%rsp"
        : "=a"(rc)
        : "a"(number), "D"(a1), "S"(0UL), [rsp] "r"(rsp)
        : "rcx", "r11", "r12", "r13", "memory");
    return rc;
}

TEST
{
    static const u64 stacks[] = { 0,
                                  8,
                                  0x00007ffffffffff8,
                                  0x0000800000000000,
                                  0x8000000000000000,
                                  HYPERVISOR_VIRT_START,
                                  HYPERVISOR_VIRT_START + GIB(2 * 1024),
                                  HYPERVISOR_VIRT_END,
                                  ~0UL,
                                  0xfffffffffffffff8 };

    for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
        CHECK_RC(call_on(stacks[i], __HYPERVISOR_xen_version, XENVER_version), 4 << 16 | 17);
        CHECK_RC(call_on(stacks[i], __HYPERVISOR_sched_op, SCHEDOP_yield), 0);
    }
}
