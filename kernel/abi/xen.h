/*
 * The core of the Xen PV ABI: hypercall numbers, shared_info, start_info, and the arguments of the calls that have no
 * header of their own (console_io, multicall, vm_assist). Written for Koan after Xen's public xen.h, with its names, so that
 * whoever knows one knows the other; a test compares every number and every offset with Debian's libxen-dev.
 *
 * Used by the hypervisor and by guests. Pointer arguments are u64: an address in the caller's own address space.
 * A "mfn" is the number of a machine frame (4 KiB); a "pfn" the number of a frame in the guest's own count.
 *
 * A hypercall is `syscall` in guest kernel mode: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9, result in rax;
 * rcx and r11 are lost, all else is kept.
 */
#ifndef KOAN_ABI_XEN_H
#define KOAN_ABI_XEN_H

#include "lib/types.h"
#include "abi/arch-x86_64.h"
#include "abi/errno.h"

typedef u16 domid_t;

/* Hypercall numbers. */
#define __HYPERVISOR_set_trap_table                0
#define __HYPERVISOR_mmu_update                    1
#define __HYPERVISOR_set_gdt                       2
#define __HYPERVISOR_stack_switch                  3
#define __HYPERVISOR_set_callbacks                 4
#define __HYPERVISOR_fpu_taskswitch                5
#define __HYPERVISOR_sched_op_compat               6 /* reason by value; old NetBSD */
#define __HYPERVISOR_platform_op                   7
#define __HYPERVISOR_set_debugreg                  8
#define __HYPERVISOR_get_debugreg                  9
#define __HYPERVISOR_update_descriptor             10
#define __HYPERVISOR_memory_op                     12
#define __HYPERVISOR_multicall                     13
#define __HYPERVISOR_update_va_mapping             14
#define __HYPERVISOR_set_timer_op                  15
#define __HYPERVISOR_event_channel_op_compat       16 /* command inside the struct; old NetBSD */
#define __HYPERVISOR_xen_version                   17
#define __HYPERVISOR_console_io                    18
#define __HYPERVISOR_physdev_op_compat             19 /* command inside the struct; NetBSD */
#define __HYPERVISOR_grant_table_op                20
#define __HYPERVISOR_vm_assist                     21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret                          23
#define __HYPERVISOR_vcpu_op                       24
#define __HYPERVISOR_set_segment_base              25
#define __HYPERVISOR_mmuext_op                     26
#define __HYPERVISOR_xsm_op                        27
#define __HYPERVISOR_nmi_op                        28
#define __HYPERVISOR_sched_op                      29
#define __HYPERVISOR_callback_op                   30
#define __HYPERVISOR_xenoprof_op                   31
#define __HYPERVISOR_event_channel_op              32
#define __HYPERVISOR_physdev_op                    33
#define __HYPERVISOR_hvm_op                        34
#define __HYPERVISOR_sysctl                        35
#define __HYPERVISOR_domctl                        36
#define __HYPERVISOR_kexec_op                      37
#define __HYPERVISOR_tmem_op                       38
#define __HYPERVISOR_argo_op                       39
#define __HYPERVISOR_xenpmu_op                     40
#define __HYPERVISOR_dm_op                         41
#define __HYPERVISOR_hypfs_op                      42
#define __HYPERVISOR_mca                           48 /* machine checks: the first of the "arch" numbers */

/* The hypercall page: a page that the hypervisor fills with a stub of 32 bytes for each number. */
#define KOAN_HYPERCALL_PAGE_SLOT 32 /* bytes; ours: Xen has no name for it */

/* Domain ids. Real domains count from 0; the ids from 0x7ff0 on have a meaning of their own. */
#define DOMID_FIRST_RESERVED 0x7ff0U
#define DOMID_SELF           0x7ff0U /* whoever makes the call */
#define DOMID_IO             0x7ff1U /* owner of device memory */
#define DOMID_XEN            0x7ff2U /* owner of the hypervisor's own frames */
#define DOMID_COW            0x7ff3U
#define DOMID_INVALID        0x7ff4U
#define DOMID_IDLE           0x7fffU
#define DOMID_MASK           0x7fffU

/* Virtual interrupts. V: one for each vCPU; G: one for the machine, bound on vCPU 0 first. */
#define VIRQ_TIMER      0  /* V: time asked for has come */
#define VIRQ_DEBUG      1  /* V: print your state */
#define VIRQ_CONSOLE    2  /* G: input on the console */
#define VIRQ_DOM_EXC    3  /* G: something happened to a domain */
#define VIRQ_TBUF       4  /* G: trace records wait */
#define VIRQ_DEBUGGER   6  /* G: a domain stopped for its debugger */
#define VIRQ_XENOPROF   7  /* V */
#define VIRQ_CON_RING   8  /* G: output on the console */
#define VIRQ_PCPU_STATE 9  /* G: a CPU came or went */
#define VIRQ_MEM_EVENT  10 /* G */
#define VIRQ_ARGO       11 /* G */
#define VIRQ_ENOMEM     12 /* G: memory runs low */
#define VIRQ_XENPMU     13 /* V: a performance counter */
#define VIRQ_ARCH_0     16 /* G: machine checks */
#define NR_VIRQS        24

/* HYPERVISOR_console_io(cmd, count, buffer). */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

/* HYPERVISOR_vm_assist(cmd, type): switches of the domain. */
#define VMASST_CMD_enable                0
#define VMASST_CMD_disable               1
#define VMASST_TYPE_4gb_segments         0 /* 32-bit only: without effect here */
#define VMASST_TYPE_4gb_segments_notify  1
#define VMASST_TYPE_writable_pagetables  2  /* emulate stores into own L1 tables */
#define VMASST_TYPE_pae_extended_cr3     3  /* 32-bit only: without effect here */
#define VMASST_TYPE_architectural_iopl   4  /* iopl in bounce frames, as hardware has it */
#define VMASST_TYPE_runstate_update_flag 5  /* mark runstate areas while they change */
#define VMASST_TYPE_m2p_strict           32 /* no machine-to-physical table in user mode */

/* HYPERVISOR_multicall(list, count): one entry. The result is filled in; entries go on after an error. */
struct multicall_entry {
    u64 op;      /* hypercall number */
    u64 result;  /* out: what rax would have held */
    u64 args[6]; /* rdi, rsi, rdx, r10, r8, r9 */
};
static_assert(sizeof(struct multicall_entry) == 64, "ABI");

/*
 * Time of a vCPU, in ns since boot: system_time + (((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul) >> 32, with a
 * right shift where tsc_shift is negative. Odd version: being written; read it before and after.
 */
struct vcpu_time_info {
    u32 version;
    u32 pad0;
    u64 tsc_timestamp;     /* TSC ticks */
    u64 system_time;       /* ns since boot at that tick */
    u32 tsc_to_system_mul; /* ns per shifted tick, 32 bits after the point */
    s8 tsc_shift;
    u8 flags; /* XEN_PVCLOCK_* */
    u8 pad1[2];
};
static_assert(sizeof(struct vcpu_time_info) == 32, "ABI");

#define XEN_PVCLOCK_TSC_STABLE_BIT 0x1 /* one TSC serves all vCPUs */
#define XEN_PVCLOCK_GUEST_STOPPED  0x2 /* the guest was paused in between */

/* What the hypervisor and one vCPU share. */
struct vcpu_info {
    u8 evtchn_upcall_pending;   /* set by the hypervisor, cleared by the guest before it looks */
    u8 evtchn_upcall_mask;      /* 1: no upcall now; what IF is on hardware */
    u64 evtchn_pending_sel;     /* bit n: look at word n of evtchn_pending */
    struct arch_vcpu_info arch; /* cr2 of the last page fault */
    struct vcpu_time_info time;
};
static_assert(sizeof(struct vcpu_info) == 64, "ABI");
static_assert(offsetof(struct vcpu_info, arch) == 16, "ABI");
static_assert(offsetof(struct vcpu_info, time) == 32, "ABI");

/* The page that the hypervisor shares with a domain. */
struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
    u64 evtchn_pending[64]; /* bit p of word w: port 64 w + p has an event */
    u64 evtchn_mask[64];    /* likewise: the guest wants none now */
    u32 wc_version;         /* odd: being written */
    u32 wc_sec;             /* wall clock at system time 0: s since 1970, low half */
    u32 wc_nsec;            /* and ns */
    u32 wc_sec_hi;          /* s, high half */
    struct arch_shared_info arch;
};
static_assert(offsetof(struct shared_info, evtchn_pending) == 2048, "ABI");
static_assert(offsetof(struct shared_info, evtchn_mask) == 2560, "ABI");
static_assert(offsetof(struct shared_info, wc_version) == 3072, "ABI");
static_assert(offsetof(struct shared_info, arch) == 3088, "ABI");
static_assert(sizeof(struct shared_info) == 3136, "ABI");

#define MAX_GUEST_CMDLINE 1024 /* bytes, with the NUL */

/* What a guest kernel finds behind rsi when it starts. */
struct start_info {
    char magic[32];   /* "xen-3.0-x86_64" */
    u64 nr_pages;     /* memory of the domain, pages */
    u64 shared_info;  /* machine ADDRESS of the shared_info page */
    u32 flags;        /* SIF_* */
    u64 store_mfn;    /* frame of the xenstore ring */
    u32 store_evtchn; /* port of the xenstore ring */
    union {
        struct {
            u64 mfn;    /* frame of the console ring */
            u32 evtchn; /* port of the console ring */
        } domU;
        struct {
            u32 info_off;  /* screen information: offset from start_info, bytes */
            u32 info_size; /* and its size */
        } dom0;
    } console;
    u64 pt_base;      /* virtual address of the L4; the other tables follow it */
    u64 nr_pt_frames; /* frames from there on that are page tables */
    u64 mfn_list;     /* virtual address of u64[nr_pages]: mfn of each pfn */
    u64 mod_start;    /* ramdisk: virtual address, or pfn with SIF_MOD_START_PFN */
    u64 mod_len;      /* bytes; 0: no ramdisk */
    s8 cmd_line[MAX_GUEST_CMDLINE];
    u64 first_p2m_pfn; /* where mfn_list and its page tables lie, if the image */
    u64 nr_p2m_frames; /* asked for that list at an address of its own */
};
static_assert(sizeof(struct start_info) == 1168, "ABI");
static_assert(offsetof(struct start_info, shared_info) == 40, "ABI");
static_assert(offsetof(struct start_info, pt_base) == 88, "ABI");
static_assert(offsetof(struct start_info, cmd_line) == 128, "ABI");
static_assert(offsetof(struct start_info, first_p2m_pfn) == 1152, "ABI");

#define SIF_PRIVILEGED      0x01
#define SIF_INITDOMAIN      0x02 /* the first domain, with the hardware */
#define SIF_MULTIBOOT_MOD   0x04
#define SIF_MOD_START_PFN   0x08   /* mod_start is a pfn, and the ramdisk is not mapped */
#define SIF_VIRT_P2M_4TOOLS 0x10   /* tools understand p2m_vaddr: no three-level list needed */
#define SIF_PM_MASK         0xff00 /* power management, privileged domain only */

typedef u8 xen_domain_handle_t[16]; /* UUID of a domain */

/* Bits in the caller's memory: sets of CPUs or of memory nodes. */
struct xenctl_bitmap {
    u64 bitmap; /* address of its bytes */
    u32 nr_bits;
};
static_assert(sizeof(struct xenctl_bitmap) == 16, "ABI");

#endif
