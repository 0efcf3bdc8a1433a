/*
 * A vCPU's segment descriptor tables, and where this CPU has them mapped.
 *
 * Each CPU has a window of 32 pages (DESC_VA): 14 pages of the running guest's GDT, two of the
 * hypervisor's own, 16 pages of the guest's LDT. GDT frames are named by the guest; LDT pages are
 * found through the guest's own mapping when the CPU first needs them. Every guest's frame in the
 * window has type FRAME_SEG, so all its descriptors have been checked, and no guest can write to it
 * directly.
 *
 * v is the running vCPU, or one that runs nowhere. -XEN_ERESTART and "try again" mean that a walk
 * of the domain's has work pending.
 */
#ifndef KOAN_DOMAIN_DESCRIPTOR_H
#define KOAN_DOMAIN_DESCRIPTOR_H

#include "domain/domain.h"

#define LDT_ENTRIES_MAX 8192

/* Once, before the first guest runs. */
void descriptor_init(void);

/* Put the tables of the vCPU that becomes current into this CPU's window. */
void descriptor_load(struct vcpu *v);

/*
 * Give the vCPU a GDT of `entries` (at most 7168) in these frames; the old one is given up. 0;
 * -XEN_EINVAL, and nothing has changed; -XEN_ERESTART.
 */
s64 descriptor_set_gdt(struct vcpu *v, const u64 *frames, u32 entries);

/* The same for the LDT at guest address va; entries 0: none. */
s64 descriptor_set_ldt(struct vcpu *v, u64 va, u32 entries);

/*
 * Look the LDT's pages up anew when they are needed next: the guest's page tables have changed. 0
 * or -XEN_ERESTART. Only needed with ldt_entries.
 */
s64 descriptor_forget_ldt_pages(struct vcpu *v);

/*
 * Store one checked descriptor into a frame of the vCPU's domain, a descriptor page or an ordinary
 * one. 0, -XEN_EINVAL or -XEN_ERESTART.
 */
s64 descriptor_update(struct vcpu *v, u64 machine_address, u64 desc);

/* A page fault at `address`: is it in the LDT part of this CPU's window? */
bool descriptor_is_ldt(u64 address);

/*
 * Such a fault. True: the page is mapped now, try again. False: the guest has no such page there;
 * the fault is the guest's, at the address in its own LDT that descriptor_ldt_address() tells.
 */
bool descriptor_ldt_fault(struct vcpu *v, u64 address);
u64 descriptor_ldt_address(const struct vcpu *v, u64 address);

/*
 * Map the page of a selector, if it is in the LDT and the guest has it, before the hypervisor
 * itself loads the selector. No lock may be held.
 */
void descriptor_touch_ldt(struct vcpu *v, u16 selector);

/* Teardown: give up the frames of both tables. False: try again. */
bool descriptor_release(struct vcpu *v);

#endif
