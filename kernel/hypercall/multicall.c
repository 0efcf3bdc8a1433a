/*
 * multicall: a list of hypercalls in one (Xen's public xen.h, struct multicall_entry).
 *
 * The result of each entry goes into the entry; the multicall's own result says only whether the list could be read. An entry that
 * stops early has its arguments rewritten in the guest's list, and the whole call starts again there. A multicall inside one is refused, and so is
 * iret, which would leave the list in the middle.
 */
#include "hypercall/handlers.h"
#include "x86/extable.h"
#include "x86/upcalls.h"

/* LAB 4.1c: Run a guest's list of hypercalls: each through the table, its result into its entry. */

/* Read an entry and run it. `result` is what rax would have held; false: the list can't be read. */
static ALWAYS_INLINE bool run_entry(u64 entry, s64 *result)
{
    u64 op, a1, a2, a3, a4, a5, a6;

    guest_access_begin();
    GUEST_GET(op, entry, fault);
    GUEST_GET(a1, entry + 16, fault);
    GUEST_GET(a2, entry + 24, fault);
    GUEST_GET(a3, entry + 32, fault);
    GUEST_GET(a4, entry + 40, fault);
    GUEST_GET(a5, entry + 48, fault);
    GUEST_GET(a6, entry + 56, fault);
    guest_access_end();
    trace_event(TRACE_HYPERCALL, op, a1);
    if (unlikely(op >= HYPERCALL_SLOTS))
        *result = hypercall_unknown();
    else if (unlikely(op == __HYPERVISOR_multicall || op == __HYPERVISOR_iret))
        *result = refuse(-XEN_EINVAL, op);
    else
        *result = hypercall_table[op](a1, a2, a3, a4, a5, a6);
    return true;
fault:
    guest_access_end();
    return false;
}

/* The entry stopped early: its new arguments go back into the list. */
static bool save_progress(struct multicall_state *m, u64 entry_va)
{
    return copy_to_guest(entry_va + offsetof(struct multicall_entry, args), m->args,
                         sizeof(m->args));
}

s64 hc_multicall(u64 list, u64 count, u64 a3, u64 a4, u64 a5, u64 a6)
{
    struct vcpu *v = current_vcpu();
    struct multicall_state *m = &v->multicall;
    const u64 size = sizeof(struct multicall_entry);

    count = (u32)count;
    if (unlikely(!guest_range_ok(list, count * size)))
        return refuse(-XEN_EFAULT, list);
    for (; count; list += size, count--) {
        s64 result;
        m->active = true;
        m->restart = false;
        bool ok = run_entry(list, &result);
        m->active = false;
        if (unlikely(!ok))
            return refuse(-XEN_EFAULT, list);
        if (unlikely(m->restart)) {
            if (!save_progress(m, list))
                return refuse(-XEN_EFAULT, list);
            return hypercall_restart(__HYPERVISOR_multicall, list, count, a3, a4, a5, a6);
        }
        if (unlikely(!put_guest_u64(list + offsetof(struct multicall_entry, result), (u64)result)))
            return refuse(-XEN_EFAULT, list);
        if (unlikely(work_pending()) && count > 1)
            return hypercall_restart(__HYPERVISOR_multicall, list + size, count - 1, a3, a4, a5,
                                     a6);
    }
    return 0;
}

/* END LAB 4.1c */
