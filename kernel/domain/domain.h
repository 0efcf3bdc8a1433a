/*
 * Domains and their virtual CPUs.
 *
 * Locking: (l) the domain's lock, mem.lock; (r) set at creation; (c) only the CPU that runs the vCPU, or anybody while it does not run;
 * (s) the run queue's lock; (a) atomic. entry.asm knows the offsets of the first fields of struct vcpu (generated, kernel/offsets.c).
 */
#ifndef KOAN_DOMAIN_DOMAIN_H
#define KOAN_DOMAIN_DOMAIN_H

#include "abi/xen.h"
#include "lib/types.h"
#include "mm/memory.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "domain/vcpu_state.h"

#define MAX_VCPUS 32 /* of one domain: the slots of shared_info */
#define NAME_LEN  32

enum vcpu_state {
    VCPU_DOWN = 0, /* not started, or stopped by VCPUOP_down */
    VCPU_RUNNABLE,
    VCPU_RUNNING,
    VCPU_BLOCKED,
};

struct vcpu {
    struct vcpu_context ctx; /* c: all that entry, traps and context switch need; must be first */
    struct domain *domain;   /* r */
    u32 id;                  /* r: 0 .. domain->max_vcpus-1 */
    u32 cpu;                 /* s: the host CPU on whose queue it is */
    enum vcpu_state state;   /* s */
    struct vcpu *next_run;   /* s: run queue link */
    u64 slice_end;           /* c: system time, ns */
    struct fpu_state *fpu;   /* c */
    mfn_t info_mfn;          /* l: frame of a registered vcpu_info; INVALID_MFN: in shared_info */
    u64 runstate_va;         /* c: registered runstate area, 0: none */
    u64 runstate_time[4];    /* c: ns spent in each RUNSTATE_* */
    u64 runstate_since;      /* c: system time of the last change */
    u32 runstate;            /* c */
    u64 time_info_va;        /* c: secondary vcpu_time_info area */
    struct walk_result walk; /* l: outcome of a tree walk that this vCPU began, see mm/walk.h */
    struct multicall_state { /* c: set while a multicall entry runs */
        bool active;
        bool restart; /* the entry stopped early; its arguments are below */
        u64 args[6];
    } multicall;
    u8 *io_bitmap; /* reserved for drivers */
};

enum domain_end {
    END_NONE = 0,
    END_POWEROFF,
    END_REBOOT,
    END_CRASH,
    END_REFUSED, /* never started: bad image */
};

struct domain {
    struct domain_memory mem;      /* first: mm/ hands back pointers to it */
    u16 id;                        /* r */
    char name[NAME_LEN];           /* r */
    bool privileged;               /* r */
    bool console_ok;               /* r: may use console_io */
    bool dying;                    /* l */
    enum domain_end end;           /* l */
    u32 end_reason;                /* l: SHUTDOWN_* as the guest gave it */
    u32 max_vcpus;                 /* r */
    u32 vcpus_left;                /* a: vCPUs that have not been torn down */
    struct vcpu *vcpus[MAX_VCPUS]; /* r */
    struct domain *next;           /* DOMLIST */
    struct shared_info *shared;    /* r: the hypervisor's view of the shared page */
    mfn_t shared_mfn;              /* r */
    u64 vm_assist;                 /* l: bits of VMASST_TYPE_* */
    struct console_line *console;  /* own lock */
    struct image_symbols *symbols; /* r: for crash reports; NULL: none */
    u64 iopl;                      /* c */
};

static ALWAYS_INLINE struct vcpu *current_vcpu(void)
{
    return this_cpu()->current;
}

static inline struct domain *current_domain(void)
{
    return current_vcpu()->domain;
}

/* The domain of that id, or NULL. Ids are never used again while the machine runs. */
struct domain *domain_find(u16 domid);

/* End the calling vCPU's domain. `reason`: printed; names what the guest did. Does not return to the guest: the current vCPU is descheduled on
 * the way out. */
void domain_crash(struct domain *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
void domain_shutdown(struct domain *d, u32 reason);

#endif
