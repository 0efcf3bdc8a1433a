/*
 * Hypercalls with odd flags set: direction, nested task, alignment check, trap flag. The hypervisor must not run with them.
 *
 * With the direction flag on, a copy in the hypervisor would run backwards over its own memory; with NT its iret would fault.
 */
#include "test.h"

static s64 call_with(u64 flags, u64 number, u64 a1, u64 a2)
{
    s64 rc;

    __asm__ volatile(
        "pushfq; orq %[flags], (%%rsp); popfq; syscall; pushfq; andq $~0x44500, (%%rsp); popfq"
        : "=a"(rc)
        : "a"(number), "D"(a1), "S"(a2), [flags] "r"(flags)
        : "rcx", "r11", "memory", "cc");
    return rc;
}

static volatile unsigned int steps;

static bool step(struct trap_frame *frame)
{
    (void)frame;
    steps++;
    return true;
}

TEST
{
    static const u64 flags[] = { 0x400, 0x4000, 0x40000, 0x44400 };
    static char text[1024];

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        memset(text, 'x', sizeof(text));
        CHECK_RC(call_with(flags[i], __HYPERVISOR_xen_version, XENVER_capabilities, (u64)text), 0);
        CHECK(memcmp(text, "xen-3.0-x86_64 ", 15) == 0);
        CHECK_RC(call_with(flags[i], __HYPERVISOR_sched_op, SCHEDOP_yield, 0), 0);
    }
    trap_handle(TRAP_DB, step);
    CHECK_RC(call_with(0x100, __HYPERVISOR_xen_version, XENVER_version, 0), 4 << 16 | 17);
    CHECK(steps >= 1);
}
