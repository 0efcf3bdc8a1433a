/*
 * sysctl and platform_op of a privileged domain: the machine, its domains, its console, its clock.
 */
#include "abi/platform.h"
#include "build.h"
#include "domctl.h"
#include "handmade.h"
#include "grant.h"
#include "test.h"

static void check_machine(void)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };

    CHECK_RC(sysctl(&op), 0);
    CHECK(op.u.physinfo.nr_cpus >= 1 && op.u.physinfo.max_cpu_id < 1024);
    CHECK_EQ(op.u.physinfo.nr_nodes, 1);
    CHECK(op.u.physinfo.cpu_khz > 1000);
    CHECK(op.u.physinfo.free_pages < op.u.physinfo.total_pages);
    CHECK(op.u.physinfo.max_mfn >= ptr_mfn(&test_result));
    CHECK(op.u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_pv);
    op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_sched_id };
    CHECK_RC(sysctl(&op), 0);
    CHECK(op.u.sched_id.sched_id != 0);
    op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_availheap, .u.availheap.node = -1 };
    CHECK_RC(sysctl(&op), 0);
    CHECK(op.u.availheap.avail_bytes > MIB(1));
    op = (struct xen_sysctl){ .cmd = 999 };
    CHECK_REFUSED(sysctl(&op));
}

static void check_topology(void)
{
    struct xen_sysctl_cputopo cpus[8] = { { .core = 99, .socket = 99, .node = 99 } };
    struct xen_sysctl_meminfo memory = { 0 };
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_cputopoinfo };

    CHECK_RC(sysctl(&op), 0); /* how many are there? */
    CHECK(op.u.cputopoinfo.num_cpus >= 1);
    op.u.cputopoinfo.num_cpus = 1;
    op.u.cputopoinfo.cputopo = (u64)cpus;
    CHECK_RC(sysctl(&op), 0);
    CHECK_EQ(cpus[0].node, 0);
    op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_numainfo,
                              .u.numainfo = { .num_nodes = 1, .meminfo = (u64)&memory } };
    CHECK_RC(sysctl(&op), 0);
    CHECK_EQ(op.u.numainfo.num_nodes, 1);
    CHECK(memory.memsize > memory.memfree && memory.memfree > 0);
}

/* All from a number on; one of a number that doesn't exist any more is not among them. */
static void check_domains(void)
{
    static struct xen_domctl_getdomaininfo list[32];
    struct handmade h = { .code = handmade_count };
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_getdomaininfolist };
    domid_t self = grant_own_domid();

    CHECK_RC(handmade_make(&h, STAGE_CREATED), 0);
    op.u.getdomaininfolist.max_domains = ARRAY_SIZE(list);
    op.u.getdomaininfolist.buffer = (u64)list;
    CHECK_RC(sysctl(&op), 0);
    u32 n = op.u.getdomaininfolist.num_domains;
    CHECK(n >= 2 && n <= ARRAY_SIZE(list));
    u32 found = list[0].domain == h.domid || list[0].domain == self;
    for (u32 i = 1; i < n; i++) {
        CHECK(list[i - 1].domain < list[i].domain); /* other domains of the boot may have ended */
        found += list[i].domain == h.domid || list[i].domain == self;
    }
    CHECK_EQ(found, 2);
    op.u.getdomaininfolist.first_domain = h.domid;
    op.u.getdomaininfolist.max_domains = 1;
    CHECK_RC(sysctl(&op), 0);
    CHECK_EQ(op.u.getdomaininfolist.num_domains, 1);
    CHECK_EQ(list[0].domain, h.domid);
    CHECK_RC(build_destroy(h.domid), 0);
    CHECK_RC(sysctl(&op), 0);
    CHECK(op.u.getdomaininfolist.num_domains == 0 || list[0].domain != h.domid);
    op.u.getdomaininfolist.first_domain = 0;
    op.u.getdomaininfolist.buffer = 0x123456789000;
    CHECK_RC(sysctl(&op), -XEN_EFAULT);
}

/* One pool has all CPUs and all domains. */
static void check_pool(void)
{
    u64 map = 0;
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_cpupool_op,
                             .u.cpupool_op = { .op = XEN_SYSCTL_CPUPOOL_OP_INFO,
                                               .cpumap = { (u64)&map, 64 } } };

    CHECK_RC(sysctl(&op), 0);
    CHECK_EQ(op.u.cpupool_op.cpupool_id, 0);
    CHECK(op.u.cpupool_op.n_dom >= 1);
    CHECK(op.u.cpupool_op.sched_id != 0);
    CHECK(map & 1);
    op.u.cpupool_op.cpupool_id = 1;
    CHECK_RC(sysctl(&op), -XEN_ENOENT);
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_DESTROY;
    CHECK_RC(sysctl(&op), -XEN_ENOENT);
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    CHECK_RC(sysctl(&op), 0);
    CHECK_EQ(map, 0);
    op.u.cpupool_op.op = 99;
    CHECK_REFUSED(sysctl(&op));
}

static void check_console(void)
{
    static char text[256];
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_readconsole,
                             .u.readconsole = { .buffer = (u64)text, .count = sizeof(text) } };

    CHECK_RC(sysctl(&op), 0);
    u32 index = op.u.readconsole.index, count = op.u.readconsole.count;
    CHECK(count > 0 && count <= sizeof(text));
    bool printable = false;
    for (u32 i = 0; i < count; i++)
        printable |= text[i] == '(' || text[i] == ' ';
    CHECK(printable);
    op.u.readconsole.incremental = 1; /* on from there */
    op.u.readconsole.count = 8;
    CHECK_RC(sysctl(&op), 0);
    CHECK(op.u.readconsole.count <= 8);
    CHECK_EQ(op.u.readconsole.index - index, op.u.readconsole.count);
}

/* To what it is: other tests look at the clock, too. */
static void check_clock(void)
{
    struct xen_platform_op op = { .cmd = XENPF_settime64,
                                  .interface_version = XENPF_INTERFACE_VERSION };
    volatile struct shared_info *s = shared_info;
    u32 version = s->wc_version, secs = s->wc_sec;

    op.u.settime64.secs = s->wc_sec | (u64)s->wc_sec_hi << 32;
    op.u.settime64.nsecs = s->wc_nsec;
    CHECK_RC(hypercall(__HYPERVISOR_platform_op, (u64)&op, 0, 0, 0, 0), 0);
    CHECK(s->wc_version != version && !(s->wc_version & 1));
    CHECK_EQ(s->wc_sec, secs);
    op.u.settime64.mbz = 1;
    CHECK_RC(hypercall(__HYPERVISOR_platform_op, (u64)&op, 0, 0, 0, 0), -XEN_EINVAL);
    op.cmd = 999;
    CHECK_RC(hypercall(__HYPERVISOR_platform_op, (u64)&op, 0, 0, 0, 0), -XEN_ENOSYS);
}

TEST
{
    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    check_machine();
    check_topology();
    check_domains();
    check_pool();
    check_console();
    check_clock();
}
