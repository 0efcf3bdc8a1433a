/*
 * Writable page tables: a guest's kernel stores into its own L1 table as if it were ordinary
 * memory. The page is mapped read-only, so the store faults; it is decoded, its new entry validated
 * as for mmu_update, and carried out by the hypervisor.
 *
 * Offered when the guest has switched on VMASST_TYPE_writable_pagetables.
 */
#ifndef KOAN_DOMAIN_PTWR_H
#define KOAN_DOMAIN_PTWR_H

#include "domain/domain.h"

enum ptwr_result {
    PTWR_NOT_MINE = 0, /* no such store, or one that must not be: the fault is the guest's */
    PTWR_DONE, /* carried out, and regs stands behind the instruction; or to be executed again */
};

/* A write fault on a present page, in guest kernel mode, at address va. */
enum ptwr_result ptwr_fault(struct vcpu *v, struct regs *regs, u64 va);

#endif
