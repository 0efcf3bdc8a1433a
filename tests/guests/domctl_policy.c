/*
 * get_cpu_policy and set_cpu_policy: a toolstack asks what a domain will see of the CPU, and may say so before it runs. What the CPU can't do is
 * refused, with the leaf that is meant. Source: domctl.h.
 */
#include "abi/arch-x86_64.h"
#include "build.h"
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

#define LEAVES 256
#define MSRS   16 /* two words each */

static struct xen_cpuid_leaf leaves[LEAVES];
static u64 msrs[2 * MSRS];
static u16 domid;

static struct xen_domctl on(u32 cmd, u32 nr_leaves)
{
    struct xen_domctl op = { .cmd = cmd, .domain = domid };

    op.u.cpu_policy.nr_leaves = nr_leaves;
    op.u.cpu_policy.leaves = (u64)leaves;
    op.u.cpu_policy.nr_msrs = MSRS;
    op.u.cpu_policy.msrs = (u64)msrs;
    return op;
}

TEST
{
    struct handmade h = { .code = handmade_count, .code_size = handmade_count_size };

    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    foreign_init();
    CHECK_RC(handmade_make(&h, STAGE_READY), 0);
    domid = h.domid;

    struct xen_domctl op = on(XEN_DOMCTL_get_cpu_policy, 0);
    op.u.cpu_policy.leaves = op.u.cpu_policy.msrs = 0;
    CHECK_RC(domctl(&op), 0);
    u32 most = op.u.cpu_policy.nr_leaves;
    CHECK(most > 4 && most <= LEAVES);
    op = on(XEN_DOMCTL_get_cpu_policy, 1);
    CHECK_RC(domctl(&op), -XEN_ENOBUFS);
    op = on(XEN_DOMCTL_get_cpu_policy, LEAVES);
    op.u.cpu_policy.leaves = 0x123456789000;
    CHECK_RC(domctl(&op), -XEN_EFAULT);
    op = on(XEN_DOMCTL_get_cpu_policy, LEAVES);
    CHECK_RC(domctl(&op), 0);
    u32 n = op.u.cpu_policy.nr_leaves, nr_msrs = op.u.cpu_policy.nr_msrs;
    CHECK(n > 4 && n <= most);
    CHECK_EQ(leaves[0].leaf, 0);
    CHECK_EQ(leaves[0].subleaf, XEN_CPUID_NO_SUBLEAF);
    CHECK(leaves[0].a >= 1);
    CHECK_EQ(leaves[1].leaf, 1);
    CHECK(leaves[1].d & 1); /* an FPU */

    op = on(XEN_DOMCTL_set_cpu_policy, n); /* what it is */
    op.u.cpu_policy.nr_msrs = nr_msrs;
    CHECK_RC(domctl(&op), 0);
    leaves[0].a = 0x7fffffff; /* more leaves than there are */
    op = on(XEN_DOMCTL_set_cpu_policy, 1);
    op.u.cpu_policy.nr_msrs = 0;
    CHECK_RC(domctl(&op), -XEN_EINVAL);
    CHECK_EQ(op.u.cpu_policy.err_leaf, 0);
    CHECK_RC(build_destroy(domid), 0);
    CHECK_RC(domctl(&op), -XEN_ESRCH);
}
