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
#include "domain/console_ring.h"
#include "domain/event_state.h"
#include "domain/scheduler.h"
#include "domain/timer.h"
#include "domain/vcpu_state.h"

#define MAX_VCPUS 32 /* of one domain: the slots of shared_info */
#define NAME_LEN  32

#define NR_WATCHDOGS 2 /* of one domain, as Xen */

enum vcpu_state {
    VCPU_ASLEEP = 0, /* v->waits says why */
    VCPU_RUNNABLE,   /* waits for a CPU */
    VCPU_RUNNING,
    VCPU_GONE, /* its domain is being torn down */
};

struct console_line;
struct image_symbols;

struct vcpu {
    struct vcpu_context ctx; /* c: all that entry, traps and context switch need; must be first */
    struct domain *domain;   /* r */
    u32 id;                  /* r: 0 .. domain->max_vcpus-1 */
    u32 cpu;                 /* s, read by all: the host CPU in whose queue it belongs */
    enum vcpu_state state;   /* s, read by all */
    u32 waits;               /* a: why it must not run, WAIT_* (sched.h) */
    u32 paused;              /* a: how many have paused it */
    bool initialised;        /* l: has registers and page tables to start with */
    bool initialising;       /* a: a call gives it those just now */
    bool nmi_pending;        /* a: VCPUOP_send_nmi has been called for it */
    bool yields;             /* c: it gives the CPU away this time */
    u64 destroying;    /* c: the domain (its serial) for which its destroydomain waits; 0: none */
    u16 destroying_id; /* c: its id */
    struct vcpu_listing { /* c: a getdomaininfolist that has stopped early */
        u64 buffer;       /* what it asked for */
        u32 first;
        u32 next, done; /* where it goes on; done 0: there is none */
    } listing;
    u32 poll_port;          /* c: what it polls: 0 nothing, a port, or POLL_ANY */
    struct sched_unit unit; /* s: the policy's view of it */
    struct cpumask
        affinity; /* s: where it may run when no override is on; unit.affinity is what counts */
    struct cpumask soft; /* s: where it would rather run, of those */
    bool overridden;     /* s: SCHEDOP_pin_override */
    struct timer poll_timer, singleshot, periodic;
    u64 period;           /* a: of `periodic`, in ns; 0: stopped */
    struct fpu_state fpu; /* c */
    mfn_t info_mfn;       /* l: frame of a registered vcpu_info; INVALID_MFN: in shared_info */
    u64 runstate_va;      /* c: registered runstate area, 0: none */
    u64 runstate_time[4]; /* s: ns spent in each RUNSTATE_* */
    u64 runstate_since;   /* s: system time of the last change */
    u32 runstate;         /* s */
    u64 time_va;          /* c: registered second copy of the time info, 0: none */
    void *
        time_info; /* c: the vcpu_time_info written last, and when (system time), and its version */
    u64 time_stamp;          /* c */
    u32 time_version;        /* c */
    u16 virq_port[NR_VIRQS]; /* LOCK_EVENT: the port of each virtual interrupt; 0: not bound */
    struct walk_result walk; /* l: outcome of a tree walk that this vCPU began, see mm/walk.h */
    struct multicall_state { /* c: set while a multicall entry runs */
        bool active;
        bool restart; /* the entry stopped early; its arguments are below */
        u64 args[6];
    } multicall;
};

enum domain_end {
    END_NONE = 0,
    END_POWEROFF,
    END_REBOOT,
    END_CRASH,
    END_REFUSED, /* never started: bad image */
};

struct domain {
    struct domain_memory mem; /* first: mm/ hands back pointers to it */
    u16 id;                   /* r: another domain may get it when this one is gone */
    u64 serial;               /* r: no other domain has the same, ever */
    char name[NAME_LEN];      /* r */
    bool privileged;          /* r */
    bool console_ok;          /* r: may use console_io */
    bool built;               /* r: made through domctl; see control.h for this and the next four */
    bool shut_down;           /* l: has ended, and waits to be destroyed */
    u32 pauses;               /* control_enter(): how often it has been paused */
    u32 controlled;           /* a: calls that work on it just now */
    xen_domain_handle_t handle; /* control_enter() */
    s64 time_offset;            /* control_enter(): s, of its wall clock */
    bool dying;                 /* l */
    enum domain_end end;        /* l */
    u32 end_reason;             /* l: SHUTDOWN_* as the guest gave it */
    u32 noted_reason; /* c: the reason, plus 1, that SCHEDOP_shutdown_code noted; 0: none */
    u32 max_vcpus;    /* r */
    struct vcpu *vcpus[MAX_VCPUS]; /* r */
    struct domain *next_dying;     /* DOMLIST: those that wait to be torn down */
    struct domain *next;           /* DOMLIST */
    struct domain **link;          /* DOMLIST: what points to it */
    struct shared_info *shared;    /* r: the hypervisor's view of the shared page */
    mfn_t shared_mfn;              /* r */
    u64 vm_assist;                 /* l: bits of VMASST_TYPE_* */
    mfn_t pirq_page;  /* LOCK_PIRQ; guest's frame of PHYSDEVOP_pirq_eoi_gmfn, or INVALID_MFN */
    bool pirq_unmask; /* l: the end of an interrupt unmasks its port */
    struct e820_entry *memory_map; /* l: a page (hypercall/memory_map.c), or NULL */
    u32 memory_map_entries;        /* l */
    struct domain_watchdog {
        struct timer timer;
        struct domain *domain; /* r */
        bool in_use;           /* l */
    } watchdogs[NR_WATCHDOGS];
    u32 pollers;                  /* a: bit per vCPU that is in SCHEDOP_poll, or just was */
    struct sched_group sched;     /* the policy's view of it */
    struct console_line *console; /* lock in console.c */
    struct event_table events;
    struct console_ring console_ring;
    struct image_symbols *symbols; /* r: for crash reports; NULL: none */
};

/* The bits of vm_assist that a domain may have; those that only concern 32-bit guests have no effect. */
#define VM_ASSIST_KNOWN                                                                            \
    (BIT(VMASST_TYPE_4gb_segments) | BIT(VMASST_TYPE_4gb_segments_notify) |                        \
     BIT(VMASST_TYPE_writable_pagetables) | BIT(VMASST_TYPE_pae_extended_cr3) |                    \
     BIT(VMASST_TYPE_architectural_iopl) | BIT(VMASST_TYPE_runstate_update_flag) |                 \
     BIT(VMASST_TYPE_m2p_strict))

static ALWAYS_INLINE struct vcpu *current_vcpu(void)
{
    return this_cpu()->current;
}

static inline struct domain *current_domain(void)
{
    return current_vcpu()->domain;
}

/* What a new domain is to be. */
struct domain_config {
    char name[NAME_LEN];
    u64 pages; /* its reservation */
    u32 vcpus; /* 1..MAX_VCPUS */
    bool privileged;
    bool initial; /* gets domain id 0 */
    bool console_ok;
    bool built; /* through domctl: it gets its name here, and starts paused */
    u16 domid;  /* of a built one: the id that it is to have; 0: any */
};

/*
 * A domain without contents: reservation taken, shared page and vCPUs made, nothing runs. NULL: not enough memory. One that is `built` is hidden
 * from all calls until domain_show: then it may end at any time.
 */
struct domain *domain_create(const struct domain_config *config);
void domain_show(struct domain *d);

struct vcpu *vcpu_create(struct domain *d, u32 id);

/* All domains in order of creation: the first with NULL, then the next; NULL at the end. For reports and teardown: the caller sees to it that
 * none goes away meanwhile. */
struct domain *domain_next(struct domain *d);

/* How many there are, those that are being torn down included. */
u32 domain_count(void);

/* May a new domain get this id? */
bool domain_id_free(u16 domid);

/* Has a domain this id (below DOMID_FIRST_RESERVED), be it in the making or in the last step of its end? It may be free neither way: see owner_in_limbo. */
bool domain_id_in_use(u16 domid);

/* Privileged domains that have not ended. */
u32 domain_toolstacks(void);

/*
 * The domain of that id, or NULL; held until domain_let_go: it stays, though it may end meanwhile; the last step of its teardown waits. NULL as well
 * for one that is not made yet. To be called with no lock held that comes behind the allocator's.
 */
struct domain *domain_hold(u16 domid);
void domain_let_go(struct domain *d);

/* The domain of that id or, if there is none, the one with the next higher id; held. */
struct domain *domain_hold_from(u16 domid);

/* The one with the next higher id, held, and d let go. */
struct domain *domain_hold_next(struct domain *d);

/* The first domain for which the question is answered with yes, held. */
struct domain *domain_hold_first(bool (*is_it)(struct domain *d));

/* End the calling vCPU's domain. `reason`: printed; names what the guest did. Does not return to the guest: the current vCPU is descheduled on
 * the way out. */
void domain_crash(struct domain *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
void domain_shutdown(struct domain *d, u32 reason);

/* The common part of both: mark it and have it torn down; one that a toolstack has made waits for that (control.h). Never inlined: `make frames`
 * and debuggers stop here. */
void domain_end(struct domain *d, enum domain_end end);

/* The same without waiting for anybody. */
void domain_end_now(struct domain *d, enum domain_end end);

/* Free what is left of a domain after its teardown (reap.c). */
void domain_free(struct domain *d);

#endif
