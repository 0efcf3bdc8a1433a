/*
 * The hypercall page: where the image's note says so, the hypervisor writes a stub of 32 bytes for every number.
 *
 * A stub loads the number, executes `syscall` and returns, with rcx and r11 kept for the caller; slot 23 (iret) never returns.
 * Guests call through it (NetBSD, Mini-OS, older Linux). Source: the checklist, section 1.5.
 */
#include "test.h"

static s64 call_slot(u64 number, u64 a1, u64 a2)
{
    s64 result;
    u64 rcx = 0x1111, r11_in = 0x2222, r11_out;

    __asm__ volatile(
        "mov %[r11_in], %%r11\n call *%[stub]\n mov %%r11, %[r11_out]"
        : "=a"(result), "+c"(rcx), [r11_out] "=&r"(r11_out)
        : [stub] "r"(hypercall_page + number * KOAN_HYPERCALL_PAGE_SLOT), [r11_in] "r"(r11_in),
          "D"(a1), "S"(a2)
        : "r11", "memory");
    CHECK_EQ(rcx, 0x1111);
    CHECK_EQ(r11_out, 0x2222);
    return result;
}

TEST
{
    struct xen_feature_info features = { .submap_idx = 0 };

    CHECK_RC(call_slot(__HYPERVISOR_xen_version, XENVER_version, 0),
             xen_version(XENVER_version, NULL));
    CHECK_RC(call_slot(__HYPERVISOR_xen_version, XENVER_get_features, (u64)&features), 0);
    CHECK(features.submap != 0);
    CHECK_RC(call_slot(__HYPERVISOR_sched_op, SCHEDOP_yield, 0), 0);
    CHECK_RC(call_slot(11, 0, 0), -XEN_ENOSYS);
    CHECK_RC(call_slot(63, 0, 0), -XEN_ENOSYS);
}
