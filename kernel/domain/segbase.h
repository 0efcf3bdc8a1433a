/*
 * FS and GS bases of the running vCPU.
 *
 * While it runs, the hardware holds them: FS_BASE; GS_BASE, that of the mode which it is in;
 * KERNEL_GS_BASE, that of the other mode. Both callers (set_segment_base and emulated WRMSR) come
 * from guest kernel mode. A base must be canonical: WRMSR would fault with any other.
 */
#ifndef KOAN_DOMAIN_SEGBASE_H
#define KOAN_DOMAIN_SEGBASE_H

#include "domain/domain.h"

/* False: not canonical. */
bool segbase_set_fs(struct vcpu *v, u64 base);
bool segbase_set_gs_kernel(struct vcpu *v, u64 base);
bool segbase_set_gs_user(struct vcpu *v, u64 base);

/*
 * Load the selector that guest user mode will have in GS, and its base; one that can't be loaded
 * becomes null.
 */
void segbase_load_gs_user(struct vcpu *v, u16 selector);

u64 segbase_fs(const struct vcpu *v);
u64 segbase_gs_kernel(const struct vcpu *v);
u64 segbase_gs_user(const struct vcpu *v);

#endif
