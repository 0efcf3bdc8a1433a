/*
 * HYPERVISOR_sysctl(struct xen_sysctl *): what a privileged domain may know of the machine, and set.
 *
 * Like domctl: the command, the version of this interface, and what the command needs.
 * Source: Xen's public sysctl.h, interface version 0x15; the sub-operations that Debian's tools and stock Linux use.
 */
#ifndef KOAN_ABI_SYSCTL_H
#define KOAN_ABI_SYSCTL_H

#include "abi/domctl.h"

#define XEN_SYSCTL_INTERFACE_VERSION 0x00000015

#define XEN_SYSCTL_readconsole       1
#define XEN_SYSCTL_physinfo          3
#define XEN_SYSCTL_sched_id          4
#define XEN_SYSCTL_getdomaininfolist 6
#define XEN_SYSCTL_availheap         9
#define XEN_SYSCTL_cputopoinfo       16
#define XEN_SYSCTL_numainfo          17
#define XEN_SYSCTL_cpupool_op        18
#define XEN_SYSCTL_scheduler_op      19

/* readconsole: what the hypervisor and the guests have printed, from a ring. */
struct xen_sysctl_readconsole {
    u8 clear;       /* 1: forget it */
    u8 incremental; /* 1: from `index` on; 0: from the oldest byte on */
    u8 pad0;
    u8 pad1;
    u32 index;  /* in, out: free-running place in the ring */
    u64 buffer; /* address of the caller's bytes */
    u32 count;  /* in: room; out: bytes */
};
static_assert(sizeof(struct xen_sysctl_readconsole) == 24, "ABI");

#define XEN_SYSCTL_PHYSCAP_pv        (1U << 1)
#define XEN_SYSCTL_PHYSCAP_gnttab_v1 (1U << 8)

struct xen_sysctl_physinfo {
    u32 threads_per_core;
    u32 cores_per_socket;
    u32 nr_cpus;
    u32 max_cpu_id;
    u32 nr_nodes;
    u32 max_node_id;
    u32 cpu_khz;
    u32 capabilities; /* XEN_SYSCTL_PHYSCAP_* */
    u32 arch_capabilities;
    u32 pad;
    u64 total_pages;
    u64 free_pages;
    u64 scrub_pages;
    u64 outstanding_pages;
    u64 max_mfn;
    u32 hw_cap[8]; /* words of CPUID features */
};
static_assert(sizeof(struct xen_sysctl_physinfo) == 112, "ABI");

struct xen_sysctl_sched_id {
    u32 sched_id; /* XEN_SCHEDULER_* */
};

struct xen_sysctl_getdomaininfolist {
    domid_t first_domain;
    u32 max_domains;
    u64 buffer;      /* address of struct xen_domctl_getdomaininfo[max_domains] */
    u32 num_domains; /* out */
};
static_assert(sizeof(struct xen_sysctl_getdomaininfolist) == 24, "ABI");

struct xen_sysctl_availheap {
    u32 min_bitwidth; /* address bits; 0: all the same */
    u32 max_bitwidth;
    s32 node;        /* -1: all */
    u64 avail_bytes; /* out */
};
static_assert(sizeof(struct xen_sysctl_availheap) == 24, "ABI");

struct xen_sysctl_cputopo {
    u32 core;
    u32 socket;
    u32 node;
};
static_assert(sizeof(struct xen_sysctl_cputopo) == 12, "ABI");

struct xen_sysctl_cputopoinfo {
    u32 num_cpus; /* in: room; out: entries, or how many there are if `cputopo` is 0 */
    u64 cputopo;  /* address of struct xen_sysctl_cputopo[num_cpus] */
};
static_assert(sizeof(struct xen_sysctl_cputopoinfo) == 16, "ABI");

struct xen_sysctl_meminfo {
    u64 memsize; /* bytes */
    u64 memfree;
};

struct xen_sysctl_numainfo {
    u32 num_nodes; /* in: room; out: nodes */
    u64 meminfo;   /* address of struct xen_sysctl_meminfo[num_nodes], or 0 */
    u64 distance;  /* address of u32[nodes * nodes], or 0 */
};
static_assert(sizeof(struct xen_sysctl_numainfo) == 24, "ABI");

#define XEN_SYSCTL_CPUPOOL_OP_CREATE     1
#define XEN_SYSCTL_CPUPOOL_OP_DESTROY    2
#define XEN_SYSCTL_CPUPOOL_OP_INFO       3
#define XEN_SYSCTL_CPUPOOL_OP_ADDCPU     4
#define XEN_SYSCTL_CPUPOOL_OP_RMCPU      5
#define XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN 6
#define XEN_SYSCTL_CPUPOOL_OP_FREEINFO   7
#define XEN_SYSCTL_CPUPOOL_PAR_ANY       0xFFFFFFFF

struct xen_sysctl_cpupool_op {
    u32 op;         /* XEN_SYSCTL_CPUPOOL_OP_* */
    u32 cpupool_id; /* in; info: out, too */
    u32 sched_id;   /* info: out */
    u32 domid;
    u32 cpu;
    u32 n_dom;                   /* info: out */
    struct xenctl_bitmap cpumap; /* info, freeinfo: out */
};
static_assert(sizeof(struct xen_sysctl_cpupool_op) == 40, "ABI");

struct xen_sysctl {
    u32 cmd;
    u32 interface_version; /* XEN_SYSCTL_INTERFACE_VERSION */
    union {
        struct xen_sysctl_readconsole readconsole;
        struct xen_sysctl_physinfo physinfo;
        struct xen_sysctl_sched_id sched_id;
        struct xen_sysctl_getdomaininfolist getdomaininfolist;
        struct xen_sysctl_availheap availheap;
        struct xen_sysctl_cputopoinfo cputopoinfo;
        struct xen_sysctl_cpupool_op cpupool_op;
        struct xen_sysctl_numainfo numainfo;
        u8 pad[128];
    } u;
};
static_assert(sizeof(struct xen_sysctl) == 136, "ABI");

#endif
