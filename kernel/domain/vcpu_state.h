/*
 * The part of a vCPU that the entry code, the traps and the context switch work on: registers, page-table bases, segments, callbacks.
 *
 * Locking: only the CPU that runs the vCPU, or anybody while it does not run. entry.asm uses the first fields.
 */
#ifndef KOAN_DOMAIN_VCPU_STATE_H
#define KOAN_DOMAIN_VCPU_STATE_H

#include "lib/types.h"
#include "mm/addr.h"
#include "x86/regs.h"

/* One line of the guest's trap table; address 0: none. */
struct guest_trap {
    u64 address;
    u16 cs;
    u8 dpl;    /* highest ring that may reach it by INT n (guest kernel counts as 1... user 3) */
    bool mask; /* entering it masks events */
};
static_assert(sizeof(struct guest_trap) * 256 == PAGE_SIZE, "a vCPU's traps fill a page");

struct guest_callback {
    u64 address; /* 0: none */
    bool mask;
};

struct vcpu_info;

/* The guest's mode. An NMI handler is kernel mode, without further NMIs until the next iret; iret.asm leaves that one to C. */
#define MODE_USER   0
#define MODE_KERNEL 1
#define MODE_NMI    2

struct vcpu_context {
    u64 in_kernel; /* MODE_*; first, for entry.asm */
    struct vcpu_info
        *info;     /* the guest's upcall flags, through the direct map; for entry.asm; never NULL */
    u64 kernel_sp; /* stack_switch: stack for entries from guest user mode */
    u64 kernel_ss;
    struct guest_callback event, failsafe, syscall, syscall32, sysenter, nmi;
    struct regs regs; /* saved while it does not run */
    u64 cr3_kernel; /* machine address of the kernel L4; each holds a reference and a type reference; 0: none */
    u64 cr3_user;
    u64 fs_base;        /* saved while it does not run */
    u64 gs_base_kernel; /* the base that is not in use is in the hardware's KERNEL_GS_BASE while it runs */
    u64 gs_base_user;
    u16 ds, es, fs, gs; /* saved while it does not run */
    u16 gdt_entries;    /* limit of the guest's GDT in entries */
    u16 ldt_entries;
    u64 ldt_va;           /* guest address of its LDT; pages are mapped on first use */
    mfn_t gdt_frames[14]; /* each holds a reference of type FRAME_SEG */
    mfn_t ldt_frames[16]; /* those mapped so far; INVALID_MFN: not yet */
    u64 cr0_ts;           /* guest's own view of CR0.TS (fpu_taskswitch) */
    u64 cr2;              /* last fault address, for emulated reads of CR2 */
    u64 cr4;              /* guest's view */
    u64 debugreg[8];
    u64 iopl;                 /* virtual IOPL, 0..3 */
    struct guest_trap *traps; /* 256 of them, one page; never NULL */
};

#endif
