/*
 * What the calls that change address spaces share: whose memory is meant, which CPUs to flush, and how a batch goes on.
 */
#ifndef KOAN_HYPERCALL_MMU_H
#define KOAN_HYPERCALL_MMU_H

#include "abi/mmu.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"

/* In a batch's count: it is being continued, and done_out holds how many were done before. A guest leaves it 0. */
#define MMU_CONTINUED BIT(31)

/*
 * The memory that a domid in a call names: 0 and *m, to be given back by mmu_drop_owner; or -XEN_ESRCH. One's own id in numbers is refused,
 * as Xen does.
 */
s64 mmu_find_owner(u16 domid, struct domain_memory **m);

/* The same for other calls: one's own id will do, and devices (DOMID_IO) have no reservation. */
s64 mmu_find_any(u16 domid, struct domain_memory **m);

void mmu_drop_owner(struct domain_memory *m);

/* May the running domain work on that memory? 0, or -XEN_EPERM. */
s64 mmu_may_touch(const struct domain_memory *m);

/* CPUs where the vCPUs of the guest's bitmap at va may have TLB entries. False: the bitmap can't be read. */
bool mmu_vcpu_mask(struct vcpu *v, u64 va, struct cpumask *mask);

/* A batch of mmu_update or mmuext_op. */
struct mmu_batch {
    u64 at;       /* guest address of the next entry */
    u32 left;     /* entries still to do */
    u32 done;     /* entries done, those before a continuation included */
    u64 done_out; /* where the guest wants to know, or 0 */
};

/* 0, or -XEN_EFAULT. */
static ALWAYS_INLINE s64 mmu_batch_begin(struct mmu_batch *b, u64 at, u64 count, u64 done_out)
{
    *b =
        (struct mmu_batch){ .at = at, .left = (u32)(count & ~MMU_CONTINUED), .done_out = done_out };
    if (unlikely(count & MMU_CONTINUED) && done_out)
        copy_from_guest(
            &b->done, done_out,
            sizeof(b->done)); /* ours from before; if it's gone, its loss is the guest's */
    return likely(guest_range_ok(at, 0)) ? 0 : refuse(-XEN_EFAULT, at);
}

/* Says how far the batch got; goes on later after -XEN_ERESTART. a5 and a6 are no arguments, and come back as they were. */
static ALWAYS_INLINE s64 mmu_batch_end(struct mmu_batch *b, s64 error, u32 nr, u64 dom, u64 a5,
                                       u64 a6)
{
    if (b->done_out)
        copy_to_guest(b->done_out, &b->done,
                      sizeof(b->done)); /* as Xen: a bad pointer is the guest's loss */
    if (unlikely(error == -XEN_ERESTART))
        return hypercall_restart(nr, b->at, b->left | MMU_CONTINUED, b->done_out, dom, a5, a6);
    return error;
}

#endif
