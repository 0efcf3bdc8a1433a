/*
 * Data breakpoints on memory that the hypervisor reads or writes for the guest: frames of exceptions, arguments of hypercalls, the
 * frame of iret.
 *
 * The CPU raises them in the hypervisor, behind the instruction that made the access, and so at the next one. They say nothing
 * about that one: a hypervisor that takes them for its fault refuses a good buffer, or ends a domain for its good stack. Source: SDM vol. 3, 17.3.1.1 (a trap), set_debugreg in the checklist.
 */
#include "test.h"

#define DR7_RW8(n) (3UL << (2 * (n)) | 0xbUL << (16 + 4 * (n))) /* reads and writes, 8 bytes */

static u64 *frame_words;
static unsigned int undefined;

static bool on_undefined(struct trap_frame *frame)
{
    undefined++;
    frame_words = &frame->rcx; /* where rcx, r11, then rip and on were put */
    frame->rip += 2;
    return true;
}

static bool on_debug(struct trap_frame *frame)
{
    (void)frame;
    return true;
}

/* Only while DR7 is 0 may the guest itself touch what is watched. */
static void watch(const u64 *words)
{
    set_debugreg(7, 0);
    for (u64 i = 0; i < 4; i++)
        CHECK_RC(set_debugreg(i, (u64)(words + i)), 0);
    CHECK_RC(set_debugreg(7, DR7_RW8(0) | DR7_RW8(1) | DR7_RW8(2) | DR7_RW8(3)), 0);
}

TEST
{
    static u64 info[8] ALIGNED(64);
    static struct multicall_entry list[4];

    trap_handle(TRAP_UD, on_undefined);
    trap_handle(TRAP_DB, on_debug);
    for (int round = 0; round < 4; round++) {
        __asm__ volatile("ud2" ::: "memory");
        watch(frame_words + 2 * round);
    }
    CHECK_RC(set_debugreg(7, 0), 0);
    CHECK_EQ(undefined, 4);

    for (int i = 0; i < 4; i++)
        list[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version };
    watch((u64 *)&list[1]);
    s64 rc = multicall(list, 4);
    CHECK_RC(set_debugreg(7, 0), 0);
    CHECK_RC(rc, 0);
    for (int i = 0; i < 4; i++)
        CHECK((s64)list[i].result > 0);

    watch(info);
    rc = xen_version(XENVER_get_features, info);
    CHECK_RC(set_debugreg(7, 0), 0);
    CHECK_RC(rc, 0);
}
