/*
 * The part of the Xen PV ABI that belongs to x86-64: selectors, the hypervisor's part of the address space, register frames
 * on the guest's stack, CPUID leaves, and the forced-emulation prefix.
 *
 * Sources: arch-x86/xen.h, arch-x86/xen-x86_64.h and arch-x86/cpuid.h of Xen's public headers.
 */
#ifndef KOAN_ABI_ARCH_X86_64_H
#define KOAN_ABI_ARCH_X86_64_H

#include "lib/types.h"

/*
 * Selectors. Both guest modes run in ring 3. The first 14 pages (7168 entries) of the GDT are the guest's; the hypervisor's
 * own descriptors follow, and three of them are meant for guests.
 */
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_BYTE / 8)

#define FLAT_RING3_CS32 0xe023 /* 32-bit code */
#define FLAT_RING3_CS64 0xe033 /* 64-bit code */
#define FLAT_RING3_DS32 0xe02b /* data */
#define FLAT_RING3_DS64 0x0000 /* in 64-bit mode the null selector serves */
#define FLAT_RING3_SS32 0xe02b
#define FLAT_RING3_SS64 0xe02b

#define FLAT_KERNEL_CS FLAT_RING3_CS64
#define FLAT_KERNEL_DS FLAT_RING3_DS64
#define FLAT_KERNEL_SS FLAT_RING3_SS64
#define FLAT_USER_CS   FLAT_RING3_CS64
#define FLAT_USER_DS   FLAT_RING3_DS64
#define FLAT_USER_SS   FLAT_RING3_SS64

/* The 16 slots of an L4 (256..271) that are the hypervisor's; the guest has what is below and above. */
#define HYPERVISOR_VIRT_START 0xffff800000000000UL
#define HYPERVISOR_VIRT_END   0xffff880000000000UL /* exclusive */

/* Machine-to-physical table: a u64 for each machine frame, readable by guest kernels. */
#define MACH2PHYS_VIRT_START 0xffff800000000000UL
#define MACH2PHYS_VIRT_END   0xffff804000000000UL /* exclusive */
#define MACH2PHYS_NR_ENTRIES ((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) / 8)

/* HYPERVISOR_set_segment_base(which, base). */
#define SEGBASE_FS          0
#define SEGBASE_GS_USER     1
#define SEGBASE_GS_KERNEL   2
#define SEGBASE_GS_USER_SEL 3 /* base[15:0] is a selector, loaded into user gs */

#define XEN_LEGACY_MAX_VCPUS 32 /* vCPUs that have a slot in shared_info */

/*
 * An entry of HYPERVISOR_set_trap_table: where one exception goes. The table ends with an entry whose address is 0.
 */
struct trap_info {
    u8 vector; /* 0..255 */
    u8 flags; /* bits 0-1: least privileged ring that may `int` here; bit 2: mask events on entry */
    u16 cs;   /* selector of the handler */
    u64 address; /* of the handler; not canonical: refused */
};
static_assert(sizeof(struct trap_info) == 16, "ABI");
static_assert(offsetof(struct trap_info, address) == 8, "ABI");

#define TI_DPL_MASK    0x3 /* ours: names for the bits of trap_info.flags */
#define TI_MASK_EVENTS 0x4

/*
 * The frame that HYPERVISOR_iret takes from the guest's stack (rsp points at rax). cs with RPL 3 returns to user mode, any
 * other to the guest kernel, which runs in ring 3 all the same.
 */
struct iret_context {
    u64 rax;
    u64 r11;
    u64 rcx;
    u64 flags; /* VGCF_in_syscall: leave rcx, r11, cs and ss to SYSRET */
    u64 rip;
    u64 cs;
    u64 rflags; /* IF decides the upcall mask */
    u64 rsp;
    u64 ss;
};
static_assert(sizeof(struct iret_context) == 72, "ABI");

#define VGCF_in_syscall 0x100

/* General registers of a vCPU, as in vcpu_guest_context. */
struct cpu_user_regs {
    u64 r15;
    u64 r14;
    u64 r13;
    u64 r12;
    u64 rbp;
    u64 rbx;
    u64 r11;
    u64 r10;
    u64 r9;
    u64 r8;
    u64 rax;
    u64 rcx;
    u64 rdx;
    u64 rsi;
    u64 rdi;
    u32 error_code;   /* the hypervisor's own */
    u32 entry_vector; /* the hypervisor's own */
    u64 rip;
    u16 cs;
    u16 _pad0[1];
    u8 saved_upcall_mask; /* 1: events were masked; mirrors !rflags.IF */
    u8 _pad1[3];
    u64 rflags;
    u64 rsp;
    u16 ss;
    u16 _pad2[3];
    u16 es;
    u16 _pad3[3];
    u16 ds;
    u16 _pad4[3];
    u16 fs;
    u16 _pad5[3];
    u16 gs;
    u16 _pad6[3];
};
static_assert(sizeof(struct cpu_user_regs) == 200, "ABI");
static_assert(offsetof(struct cpu_user_regs, rip) == 128, "ABI");

/* Everything a vCPU starts with: argument of VCPUOP_initialise. */
struct vcpu_guest_context {
    struct {
        char x[512];
    } fpu_ctxt;                      /* FXSAVE image, valid with VGCF_I387_VALID */
    u64 flags;                       /* VGCF_* */
    struct cpu_user_regs user_regs;  /* general registers and selectors */
    struct trap_info trap_ctxt[256]; /* virtual IDT; here the index is the vector */
    u64 ldt_base;                    /* guest virtual address */
    u64 ldt_ents;                    /* entries, not bytes */
    u64 gdt_frames[16];              /* machine frames */
    u64 gdt_ents;                    /* entries, not bytes */
    u64 kernel_ss;                   /* stack for entry from user mode */
    u64 kernel_sp;
    u64 ctrlreg[8];  /* [0] cr0, [1] user L4, [3] kernel L4 (both mfn << 12), [4] cr4 */
    u64 debugreg[8]; /* DR0..DR7 */
    u64 event_callback_eip;
    u64 failsafe_callback_eip;
    u64 syscall_callback_eip;
    u64 vm_assist; /* bit n: VMASST_TYPE n is on */
    u64 fs_base;
    u64 gs_base_kernel;
    u64 gs_base_user;
};
static_assert(sizeof(struct vcpu_guest_context) == 5168, "ABI");
static_assert(offsetof(struct vcpu_guest_context, trap_ctxt) == 720, "ABI");
static_assert(offsetof(struct vcpu_guest_context, ctrlreg) == 4984, "ABI");

#define VGCF_I387_VALID               0x01
#define VGCF_IN_KERNEL                0x04
#define VGCF_failsafe_disables_events 0x08
#define VGCF_syscall_disables_events  0x10
#define VGCF_online                   0x20

/* x86's own part of a vcpu_info. */
struct arch_vcpu_info {
    u64 cr2; /* address of the last page fault that was handed to the guest */
    u64 pad;
};
static_assert(sizeof(struct arch_vcpu_info) == 16, "ABI");

/* x86's own part of shared_info: the guest tells tools where its physical-to-machine list is. */
struct arch_shared_info {
    u64 max_pfn;                    /* entries in the list */
    u64 pfn_to_mfn_frame_list_list; /* mfn of the root of the three-level list; ~0: not kept */
    u64 nmi_reason;                 /* bit n: why the last NMI came */
    u64 p2m_cr3;                    /* mfn << 12 of the L4 in which p2m_vaddr holds; 0: none */
    u64 p2m_vaddr;                  /* the list as one array */
    u64 p2m_generation;             /* odd: an update is going on */
};
static_assert(sizeof(struct arch_shared_info) == 48, "ABI");

/* CPUID. The leaves tell a guest that it runs on Xen, and which features of the ABI it finds. */
#define XEN_CPUID_FIRST_LEAF 0x40000000
#define XEN_CPUID_LEAF(i)                                                                          \
    (XEN_CPUID_FIRST_LEAF + (i))            /* 0 signature, 1 version, 2 hypercall page */
#define XEN_CPUID_SIGNATURE_EBX  0x566e6558 /* "XenV" */
#define XEN_CPUID_SIGNATURE_ECX  0x65584d4d /* "MMXe" */
#define XEN_CPUID_SIGNATURE_EDX  0x4d4d566e /* "nVMM" */
#define XEN_CPUID_MAX_NUM_LEAVES 5

#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD 0x1 /* leaf 2, ecx */

/*
 * The forced-emulation prefix: ud2 and the letters "xen" before an instruction. A guest kernel asks so for the emulation of
 * an instruction that would not trap by itself; cpuid is the only one in use.
 */
#define XEN_EMULATE_PREFIX ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID          XEN_EMULATE_PREFIX "cpuid"

/* A leaf of CPUID, as domctl's get_cpu_policy lists them. */
#define XEN_CPUID_NO_SUBLEAF 0xffffffffu

struct xen_cpuid_leaf {
    u32 leaf;
    u32 subleaf; /* or XEN_CPUID_NO_SUBLEAF */
    u32 a;
    u32 b;
    u32 c;
    u32 d;
};
static_assert(sizeof(struct xen_cpuid_leaf) == 24, "ABI");

#endif
