/*
 * Numbers of the calls with which a privileged domain manages others: domctl and sysctl, the sub-operations that Debian's
 * tools and stock Linux use. Koan answers -ENOSYS to all of them for now, so there are numbers and no structs.
 * Source: Xen's public domctl.h and sysctl.h, interface version 0x15.
 */
#ifndef KOAN_ABI_DOMCTL_H
#define KOAN_ABI_DOMCTL_H

#define XEN_DOMCTL_INTERFACE_VERSION 0x00000015

#define XEN_DOMCTL_createdomain     1
#define XEN_DOMCTL_destroydomain    2
#define XEN_DOMCTL_pausedomain      3
#define XEN_DOMCTL_unpausedomain    4
#define XEN_DOMCTL_getdomaininfo    5
#define XEN_DOMCTL_setvcpuaffinity  9
#define XEN_DOMCTL_max_mem          11
#define XEN_DOMCTL_setvcpucontext   12
#define XEN_DOMCTL_getvcpucontext   13
#define XEN_DOMCTL_getvcpuinfo      14
#define XEN_DOMCTL_max_vcpus        15
#define XEN_DOMCTL_scheduler_op     16
#define XEN_DOMCTL_setdomainhandle  17
#define XEN_DOMCTL_hypercall_init   22
#define XEN_DOMCTL_settimeoffset    24
#define XEN_DOMCTL_getvcpuaffinity  25
#define XEN_DOMCTL_set_address_size 35
#define XEN_DOMCTL_get_address_size 36
#define XEN_DOMCTL_settscinfo       60
#define XEN_DOMCTL_setnodeaffinity  68
#define XEN_DOMCTL_getnodeaffinity  69
#define XEN_DOMCTL_get_cpu_policy   82
#define XEN_DOMCTL_set_cpu_policy   83

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

#endif
