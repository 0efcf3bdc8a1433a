/*
 * A second vCPU: VCPUOP_initialise takes its whole context, once; VCPUOP_up starts it, VCPUOP_down stops it, and it can be started again where it
 * stopped. What the hypervisor can't use is refused. Needs two vCPUs (else it says so). Source: vcpu.h, arch-x86/xen.h.
 */
#include "test.h"
#include "smp.h"
#include "abi/arch-x86_64.h"

#define NEEDS_VCPUS 2

static volatile u64 counter, seen_id = 99, seen_argument, seen_base;
static u64 based = 0x6b6f616e; /* where its GS base is */
static volatile bool stop;

static void second(u64 argument)
{
    seen_argument = argument;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(seen_base));
    seen_id = vcpu_id();
    while (!stop)
        counter++;
    counter = 0;
    vcpu_op(VCPUOP_down, 1, NULL);
    counter = 1000;
    while (1)
        yield();
}

static bool reaches(volatile u64 *value, u64 least)
{
    for (u64 i = 0; i < 100000000 && *value < least; i++)
        yield();
    return *value >= least;
}

TEST
{
    static struct vcpu_guest_context *c;
    struct vcpu_runstate_info info;

    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs two vCPUs");
    CHECK_RC(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    CHECK_RC(vcpu_op(VCPUOP_up, 1, NULL), -XEN_EINVAL); /* nothing to start with */
    CHECK_RC(vcpu_op(VCPUOP_initialise, 1, NULL), -XEN_EFAULT);
    CHECK_RC(vcpu_op(VCPUOP_initialise, 2, NULL), -XEN_ENOENT);

    c = smp_context(1, second, 7);
    c->ctrlreg[3] = ptr_mfn(test_file) << 12; /* not an L4 */
    CHECK_REFUSED(vcpu_op(VCPUOP_initialise, 1, c));
    c = smp_context(1, second, 7);
    c->user_regs.rip = 1UL << 63;
    CHECK_RC(vcpu_op(VCPUOP_initialise, 1, c), -XEN_EINVAL);
    c = smp_context(1, second, 7);
    c->event_callback_eip = 1UL << 63;
    CHECK_RC(vcpu_op(VCPUOP_initialise, 1, c), -XEN_EINVAL);
    c = smp_context(1, second, 7);
    c->gdt_ents = 7169;
    CHECK_RC(vcpu_op(VCPUOP_initialise, 1, c), -XEN_EINVAL);
    c = smp_context(1, second, 7);
    c->ldt_ents = 8193;
    CHECK_RC(vcpu_op(VCPUOP_initialise, 1, c), -XEN_EINVAL);
    CHECK_RC(vcpu_op(VCPUOP_is_up, 1, NULL), 0);

    c = smp_context(1, second, 7);
    c->gs_base_kernel = (u64)&based;
    CHECK_RC(vcpu_op(VCPUOP_initialise, 1, c), 0);
    CHECK_RC(vcpu_op(VCPUOP_initialise, 1, c), -XEN_EEXIST);
    CHECK_RC(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    CHECK_EQ(counter, 0);
    CHECK_RC(vcpu_op(VCPUOP_up, 1, NULL), 0);
    CHECK_RC(vcpu_op(VCPUOP_up, 1, NULL), 0); /* it is */
    CHECK_RC(vcpu_op(VCPUOP_is_up, 1, NULL), 1);
    CHECK(reaches(&counter, 1000)); /* it runs beside this one, or in turns with it */
    CHECK_EQ(seen_argument, 7);
    CHECK_EQ(seen_id, 1);
    CHECK_EQ(seen_base, based);
    CHECK_RC(vcpu_op(VCPUOP_initialise, 1, c), -XEN_EEXIST);

    stop = true;
    while (smp_is_up(1))
        yield();
    CHECK_RC(vcpu_op(VCPUOP_get_runstate_info, 1, &info), 0);
    CHECK_EQ(counter, 0);
    CHECK_RC(vcpu_op(VCPUOP_up, 1, NULL), 0);
    CHECK(reaches(&counter, 1000));
    CHECK_RC(vcpu_op(VCPUOP_down, 1, NULL), 0); /* by another */
    CHECK_RC(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    do
        CHECK_RC(vcpu_op(VCPUOP_get_runstate_info, 1, &info), 0);
    while (info.state == RUNSTATE_running); /* it may take a moment to leave */
    CHECK_EQ(info.state, RUNSTATE_offline);
}
