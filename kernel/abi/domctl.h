/*
 * HYPERVISOR_domctl(struct xen_domctl *): a privileged domain makes, changes, watches and ends other domains.
 *
 * One argument: the command, the version of this interface (which must match exactly), the domain, and what the command needs.
 * What is marked "out" is written back to the caller. A bitmap (struct xenctl_bitmap) names bytes in the caller's memory.
 * Source: Xen's public domctl.h and arch-x86/xen.h, interface version 0x15; the sub-operations that Debian's tools and our builder use.
 */
#ifndef KOAN_ABI_DOMCTL_H
#define KOAN_ABI_DOMCTL_H

#include "abi/xen.h"

#define XEN_DOMCTL_INTERFACE_VERSION 0x00000015

#define XEN_DOMCTL_createdomain      1
#define XEN_DOMCTL_destroydomain     2
#define XEN_DOMCTL_pausedomain       3
#define XEN_DOMCTL_unpausedomain     4
#define XEN_DOMCTL_getdomaininfo     5
#define XEN_DOMCTL_setvcpuaffinity   9
#define XEN_DOMCTL_max_mem           11
#define XEN_DOMCTL_setvcpucontext    12
#define XEN_DOMCTL_getvcpucontext    13
#define XEN_DOMCTL_getvcpuinfo       14
#define XEN_DOMCTL_max_vcpus         15
#define XEN_DOMCTL_scheduler_op      16
#define XEN_DOMCTL_setdomainhandle   17
#define XEN_DOMCTL_hypercall_init    22
#define XEN_DOMCTL_settimeoffset     24
#define XEN_DOMCTL_getvcpuaffinity   25
#define XEN_DOMCTL_set_address_size  35
#define XEN_DOMCTL_get_address_size  36
#define XEN_DOMCTL_settscinfo        60
#define XEN_DOMCTL_getpageframeinfo3 61
#define XEN_DOMCTL_setnodeaffinity   68
#define XEN_DOMCTL_getnodeaffinity   69
#define XEN_DOMCTL_get_cpu_policy    82
#define XEN_DOMCTL_set_cpu_policy    83

/* createdomain. Flags: all 0 for a PV domain. */
#define XEN_DOMCTL_CDF_hvm          (1U << 0)
#define XEN_DOMCTL_CDF_hap          (1U << 1)
#define XEN_DOMCTL_CDF_s3_integrity (1U << 2)
#define XEN_DOMCTL_CDF_oos_off      (1U << 3)
#define XEN_DOMCTL_CDF_xs_domain    (1U << 4) /* the one that serves the store */
#define XEN_DOMCTL_CDF_iommu        (1U << 5)
#define XEN_DOMCTL_CDF_nested_virt  (1U << 6)
#define XEN_DOMCTL_CDF_vpmu         (1U << 7)
#define XEN_DOMCTL_CDF_MAX          XEN_DOMCTL_CDF_vpmu

#define XEN_DOMCTL_GRANT_version_mask 0xf

#define XEN_X86_MSR_RELAXED (1U << 0) /* unknown MSRs read as 0 instead of a #GP */

struct xen_arch_domainconfig {
    u32 emulation_flags; /* devices that are emulated: 0 for a PV domain, or the PIT's bit */
    u32 misc_flags;      /* XEN_X86_MSR_RELAXED */
};
static_assert(sizeof(struct xen_arch_domainconfig) == 8, "ABI");

/* xen_domctl.domain: the id wanted; 0 or a reserved one: the next that is free. Out: the id. */
struct xen_domctl_createdomain {
    u32 ssidref; /* of a security module; 0 */
    xen_domain_handle_t handle;
    u32 flags; /* XEN_DOMCTL_CDF_* */
    u32 iommu_opts;
    u32 max_vcpus;
    u32 max_evtchn_port;     /* highest port that it may have */
    s32 max_grant_frames;    /* -1: as many as usual */
    s32 max_maptrack_frames; /* likewise */
    u32 grant_opts;          /* low 4 bits: highest version of grants */
    u32 vmtrace_size;
    u32 cpupool_id;
    struct xen_arch_domainconfig arch;
};
static_assert(sizeof(struct xen_domctl_createdomain) == 64, "ABI");

/* getdomaininfo: of that domain, or the next one that exists. */
struct xen_domctl_getdomaininfo {
    domid_t domain;
    u16 pad1;
    u32 flags; /* XEN_DOMINF_* */
    u64 tot_pages;
    u64 max_pages;
    u64 outstanding_pages;
    u64 shr_pages;
    u64 paged_pages;
    u64 shared_info_frame; /* mfn */
    u64 cpu_time;          /* ns, of all vCPUs */
    u32 nr_online_vcpus;
    u32 max_vcpu_id;
    u32 ssidref;
    xen_domain_handle_t handle;
    u32 cpupool;
    u8 gpaddr_bits;
    u8 pad2[7];
    struct xen_arch_domainconfig arch_config;
};
static_assert(sizeof(struct xen_domctl_getdomaininfo) == 112, "ABI");

#define XEN_INVALID_MAX_VCPU_ID (~0U)

#define XEN_DOMINF_dying         (1U << 0) /* is being destroyed */
#define XEN_DOMINF_hvm_guest     (1U << 1)
#define XEN_DOMINF_shutdown      (1U << 2) /* has ended by itself, or crashed; why: below */
#define XEN_DOMINF_paused        (1U << 3) /* by pausedomain */
#define XEN_DOMINF_blocked       (1U << 4) /* all its vCPUs wait for an event */
#define XEN_DOMINF_running       (1U << 5) /* one of its vCPUs has a CPU now */
#define XEN_DOMINF_debugged      (1U << 6)
#define XEN_DOMINF_xs_domain     (1U << 7)
#define XEN_DOMINF_hap           (1U << 8)
#define XEN_DOMINF_shutdownmask  255
#define XEN_DOMINF_shutdownshift 16 /* SHUTDOWN_* stands from this bit on */

/* getpageframeinfo3: in: frames; out: XEN_DOMCTL_PFINFO_* of each. */
struct xen_domctl_getpageframeinfo3 {
    u64 num;
    u64 array; /* address of u64[num] */
};
static_assert(sizeof(struct xen_domctl_getpageframeinfo3) == 16, "ABI");

#define XEN_DOMCTL_PFINFO_LTAB_SHIFT    28
#define XEN_DOMCTL_PFINFO_NOTAB         (0x0U << 28)
#define XEN_DOMCTL_PFINFO_L1TAB         (0x1U << 28)
#define XEN_DOMCTL_PFINFO_L2TAB         (0x2U << 28)
#define XEN_DOMCTL_PFINFO_L3TAB         (0x3U << 28)
#define XEN_DOMCTL_PFINFO_L4TAB         (0x4U << 28)
#define XEN_DOMCTL_PFINFO_LTABTYPE_MASK (0x7U << 28)
#define XEN_DOMCTL_PFINFO_LPINTAB       (0x1U << 31) /* pinned */
#define XEN_DOMCTL_PFINFO_XTAB          (0xfU << 28) /* not its page */

struct xen_domctl_max_mem {
    u64 max_memkb;
};

/* setvcpucontext (the vCPU must not be running), getvcpucontext. */
struct xen_domctl_vcpucontext {
    u32 vcpu;
    u64 ctxt; /* address of a struct vcpu_guest_context; in set, 0: back to "not initialised" */
};
static_assert(sizeof(struct xen_domctl_vcpucontext) == 16, "ABI");

struct xen_domctl_getvcpuinfo {
    u32 vcpu; /* in; the rest out */
    u8 online;
    u8 blocked;
    u8 running;
    u64 cpu_time; /* ns */
    u32 cpu;      /* host CPU on which it runs, or ran last */
};
static_assert(sizeof(struct xen_domctl_getvcpuinfo) == 24, "ABI");

struct xen_domctl_nodeaffinity {
    struct xenctl_bitmap nodemap;
};

#define XEN_VCPUAFFINITY_HARD  (1U << 0)
#define XEN_VCPUAFFINITY_SOFT  (1U << 1)
#define XEN_VCPUAFFINITY_FORCE (1U << 2)

struct xen_domctl_vcpuaffinity {
    u32 vcpu;
    u32 flags; /* XEN_VCPUAFFINITY_*: which of the two maps is meant */
    struct xenctl_bitmap cpumap_hard;
    struct xenctl_bitmap cpumap_soft;
};
static_assert(sizeof(struct xen_domctl_vcpuaffinity) == 40, "ABI");

struct xen_domctl_max_vcpus {
    u32 max; /* the number that createdomain was given */
};

#define XEN_SCHEDULER_CREDIT   5
#define XEN_SCHEDULER_CREDIT2  6
#define XEN_SCHEDULER_ARINC653 7
#define XEN_SCHEDULER_RTDS     8
#define XEN_SCHEDULER_NULL     9

/* Ours: Xen has no such policies any more. Weight and cap are passed as the credit scheduler's. */
#define KOAN_SCHEDULER_RR  100
#define KOAN_SCHEDULER_BVT 101

#define XEN_DOMCTL_SCHEDOP_putinfo     0
#define XEN_DOMCTL_SCHEDOP_getinfo     1
#define XEN_DOMCTL_SCHEDOP_putvcpuinfo 2
#define XEN_DOMCTL_SCHEDOP_getvcpuinfo 3

struct xen_domctl_sched_credit {
    u16 weight; /* share of the CPUs: 256 is usual */
    u16 cap;    /* percent of one CPU that it may have at most; 0: no limit */
};

struct xen_domctl_scheduler_op {
    u32 sched_id; /* must be the running scheduler's */
    u32 cmd;      /* XEN_DOMCTL_SCHEDOP_* */
    union {
        struct xen_domctl_sched_credit credit;
        struct {
            u64 vcpus;
            u32 nr_vcpus;
            u32 padding;
        } v;
    } u;
};
static_assert(sizeof(struct xen_domctl_scheduler_op) == 24, "ABI");

struct xen_domctl_setdomainhandle {
    xen_domain_handle_t handle;
};

/* hypercall_init: write the stubs into that page of the domain's. */
struct xen_domctl_hypercall_init {
    u64 gmfn;
};

struct xen_domctl_settimeoffset {
    s64 time_offset_seconds; /* added to the wall clock that the domain sees */
};

struct xen_domctl_address_size {
    u32 size; /* 64 */
};

struct xen_domctl_tsc_info {
    u32 tsc_mode; /* 0: default; 2: never emulate */
    u32 gtsc_khz;
    u32 incarnation;
    u32 pad;
    u64 elapsed_nsec;
};
static_assert(sizeof(struct xen_domctl_tsc_info) == 24, "ABI");

/* get_cpu_policy, set_cpu_policy: what a domain is shown of the CPU, leaf by leaf. A list's address of 0: how long may it be at most? */
struct xen_domctl_cpu_policy {
    u32 nr_leaves; /* in: room, or how many; out: how many */
    u32 nr_msrs;
    u64 leaves; /* address of struct xen_cpuid_leaf[] */
    u64 msrs;
    u32 err_leaf; /* set: out, what is refused; ~0: nothing of that kind */
    u32 err_subleaf;
    u32 err_msr;
};
static_assert(sizeof(struct xen_domctl_cpu_policy) == 40, "ABI");

struct xen_domctl {
    u32 cmd;
    u32 interface_version; /* XEN_DOMCTL_INTERFACE_VERSION */
    domid_t domain;
    u16 _pad[3];
    union {
        struct xen_domctl_createdomain createdomain;
        struct xen_domctl_getdomaininfo getdomaininfo;
        struct xen_domctl_getpageframeinfo3 getpageframeinfo3;
        struct xen_domctl_nodeaffinity nodeaffinity;
        struct xen_domctl_vcpuaffinity vcpuaffinity;
        struct xen_domctl_max_mem max_mem;
        struct xen_domctl_vcpucontext vcpucontext;
        struct xen_domctl_getvcpuinfo getvcpuinfo;
        struct xen_domctl_max_vcpus max_vcpus;
        struct xen_domctl_scheduler_op scheduler_op;
        struct xen_domctl_setdomainhandle setdomainhandle;
        struct xen_domctl_hypercall_init hypercall_init;
        struct xen_domctl_settimeoffset settimeoffset;
        struct xen_domctl_address_size address_size;
        struct xen_domctl_tsc_info tsc_info;
        struct xen_domctl_cpu_policy cpu_policy;
        u8 pad[128];
    } u;
};
static_assert(sizeof(struct xen_domctl) == 144, "ABI");

#endif
