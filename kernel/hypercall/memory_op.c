/*
 * memory_op: a domain's reservation, and what it may know of the machine's memory (Xen's public memory.h; abi/memory.h).
 *
 * The calls on extents return how many they have done, not an error: whoever reads them must look at the count. Bits 6 and up of the
 * command say where a continued call goes on.
 */
#include "abi/memory.h"

#include "hypercall/handlers.h"
#include "hypercall/memory_map.h"
#include "hypercall/mmu.h"
#include "mm/map.h"

#define COMMAND_BITS 6
#define MAX_EXTENTS  (~0U >> COMMAND_BITS) /* else the count would not fit beside the command */

/* The largest extents that may be given back at once: CONFIG_DOMU_MAX_ORDER of Xen. */
#define MAX_ORDER 9

/* ---- extents ---- */

struct extents {
    struct domain_memory *m;
    struct xen_memory_reservation r;
};

static u64 entry_address(const struct xen_memory_reservation *r, u64 i)
{
    return r->extent_start + i * sizeof(u64);
}

/*
 * Lock the memory whose pages come or go. That of a dying domain is left alone: its teardown goes along the list of its pages, and what is added
 * behind its back would never be freed.
 */
static s64 enter_living(struct domain_memory *m)
{
    if (!memory_enter(m))
        return -XEN_ERESTART;
    if (likely(!m->dying))
        return 0;
    memory_leave(m);
    return refuse(-XEN_ESRCH, m->domid);
}

/* A fresh frame for extent i. `physmap`: the list says which pfn it is to be. */
static s64 add_page(const struct extents *x, u64 i, bool physmap)
{
    u64 pfn = INVALID_M2P;

    if (physmap && !get_guest_u64(&pfn, entry_address(&x->r, i)))
        return refuse(-XEN_EFAULT, i);
    s64 error = enter_living(x->m);
    if (error)
        return error;
    mfn_t mfn = memory_alloc_page(x->m);
    if (mfn.n != INVALID_MFN.n)
        m2p_table[mfn.n] = pfn;
    memory_leave(x->m);
    if (mfn.n == INVALID_MFN.n)
        return refuse(-XEN_ENOMEM, i);
    if (x->r.extent_start && !put_guest_u64(entry_address(&x->r, i), mfn.n))
        return refuse(-XEN_EFAULT, i);
    return 0;
}

/*
 * Mappings that are left keep the frame from being used again, but no new ones can be made. A pin goes with it; not from the midst of a large
 * extent, because the tree below may take long to release and the call could not go on in the middle.
 */
static bool remove_page(const struct extents *x, mfn_t mfn)
{
    struct frame *f = frame_owned(mfn, x->m->domid);

    if (!f || (f->flags & FRAME_SHARED) || ((f->flags & FRAME_PINNED) && x->r.extent_order))
        return false;
    if (f->flags & FRAME_PINNED)
        memory_unpin(x->m, f);
    memory_free_page(x->m, f);
    return true;
}

static s64 remove_extent(const struct extents *x, u64 i)
{
    u64 first;

    if (!get_guest_u64(&first, entry_address(&x->r, i)))
        return refuse(-XEN_EFAULT, i);
    s64 error = enter_living(x->m);
    if (error)
        return error;
    bool ok = true;
    for (u64 k = 0; ok && k < BIT(x->r.extent_order); k++)
        ok = remove_page(x, MFN(first + k));
    memory_leave(x->m);
    return ok ? 0 : refuse(-XEN_EINVAL, first);
}

/* Larger extents of fresh memory are not to be had: guests fall back to single pages. */
static s64 extent_one(const struct extents *x, u32 command, u64 i)
{
    if (command == XENMEM_decrease_reservation)
        return remove_extent(x, i);
    if (x->r.extent_order)
        return refuse(-XEN_ENOMEM, i);
    return add_page(x, i, command == XENMEM_populate_physmap);
}

/* From extent *start on; there it goes on after -XEN_ERESTART. */
static s64 change_extents(const struct extents *x, u32 command, u64 *start)
{
    s64 error = mmu_may_touch(x->m);
    u64 i = *start;

    if (error)
        return error;
    if (x->r.extent_order > MAX_ORDER)
        return (refuse(-XEN_EINVAL, x->r.extent_order), (s64)i);
    for (; i < x->r.nr_extents && !error; i += !error)
        error = i != *start && work_pending() ? -XEN_ERESTART : extent_one(x, command, i);
    *start = i;
    return error == -XEN_ERESTART ? error : (s64)i;
}

/* What is wrong with the arguments ends the call, as Xen's does, with "so many done"; only a lack of right is an error. */
static s64 change_reservation(u32 command, u64 *start, u64 arg)
{
    struct extents x;
    s64 done = (s64)*start;

    if (!copy_from_guest(&x.r, arg, sizeof(x.r)))
        return (refuse(-XEN_EFAULT, arg), done);
    if (x.r.nr_extents > MAX_EXTENTS || *start >= x.r.nr_extents)
        return (refuse(-XEN_EINVAL, x.r.nr_extents), done);
    if (mmu_find_any(x.r.domid, &x.m))
        return done;
    done = change_extents(&x, command, start);
    mmu_drop_owner(x.m);
    return done;
}

/* ---- exchange ---- */

struct exchange {
    struct domain_memory *m;
    struct xen_memory_exchange e;
};

/* Only a page that nobody uses in any way can be swapped for another. */
static bool is_unused(const struct domain_memory *m, mfn_t mfn)
{
    const struct frame *f = frame_owned(mfn, m->domid);

    return f && f->refs == 1 && !(f->flags & FRAME_SHARED);
}

/* A fresh page for the pfn that the guest names at `at`, where it finds the frame then. Its reservation has just got one back. */
static s64 exchange_page(const struct exchange *x, u64 at)
{
    u64 pfn;

    if (!get_guest_u64(&pfn, at))
        return refuse(-XEN_EFAULT, at);
    mfn_t mfn = memory_alloc_page(x->m);
    if (mfn.n == INVALID_MFN.n)
        return refuse(-XEN_ENOMEM, pfn);
    m2p_table[mfn.n] = pfn;
    return put_guest_u64(at, mfn.n) ? 0 : refuse(-XEN_EFAULT, at);
}

/*
 * Extent i of `in`, 2^order pages: all given up, then replaced by pages for the pfns that `out` names. Not one by one: the frames that are
 * free last are handed out first, and each would have all CPUs flush their TLBs anew.
 */
static s64 exchange_extent(const struct exchange *x, u64 i)
{
    u64 pages = BIT(x->e.in.extent_order), first;
    s64 error = 0;

    if (!get_guest_u64(&first, entry_address(&x->e.in, i)))
        return refuse(-XEN_EFAULT, i);
    for (u64 k = 0; k < pages; k++)
        if (!is_unused(x->m, MFN(first + k)))
            return refuse(-XEN_EINVAL, first + k);
    for (u64 k = 0; k < pages; k++)
        memory_free_page(x->m, mfn_to_frame(MFN(first + k)));
    for (u64 k = 0; k < pages && !error; k++)
        error = exchange_page(x, entry_address(&x->e.out, i * pages + k));
    return error;
}

static s64 exchange_check(const struct xen_memory_exchange *e)
{
    if (e->in.extent_order > MAX_ORDER || e->out.extent_order > MAX_ORDER)
        return refuse(-XEN_EPERM, e->in.extent_order);
    if (e->nr_exchanged > e->in.nr_extents || e->in.domid != e->out.domid ||
        e->in.nr_extents > ~0UL >> MAX_ORDER || e->out.nr_extents > ~0UL >> MAX_ORDER ||
        e->in.nr_extents << e->in.extent_order != e->out.nr_extents << e->out.extent_order)
        return refuse(-XEN_EINVAL, e->nr_exchanged);
    return 0;
}

static s64 exchange_extents(struct exchange *x)
{
    s64 error = mmu_may_touch(x->m);

    if (!error && x->e.out.extent_order)
        error = refuse(-XEN_ENOMEM, x->e.out.extent_order); /* no larger pieces are kept */
    for (u64 start = x->e.nr_exchanged; !error && x->e.nr_exchanged < x->e.in.nr_extents;) {
        error = x->e.nr_exchanged != start && work_pending() ? -XEN_ERESTART : enter_living(x->m);
        if (error)
            return error;
        error = exchange_extent(x, x->e.nr_exchanged);
        memory_leave(x->m);
        x->e.nr_exchanged += !error;
    }
    return error;
}

static s64 exchange(u64 arg)
{
    struct exchange x;

    if (!copy_from_guest(&x.e, arg, sizeof(x.e)))
        return refuse(-XEN_EFAULT, arg);
    s64 error = exchange_check(&x.e);
    if (!error)
        error = mmu_find_any(x.e.in.domid, &x.m);
    if (!error) {
        error = exchange_extents(&x);
        mmu_drop_owner(x.m);
    }
    if (!put_guest_u64(arg + offsetof(struct xen_memory_exchange, nr_exchanged), x.e.nr_exchanged))
        return refuse(-XEN_EFAULT, arg);
    return error;
}

/* ---- questions ---- */

static s64 answer_about(struct domain_memory *m, u32 command)
{
    if (mmu_may_touch(m))
        return -XEN_EPERM;
    if (command == XENMEM_current_reservation)
        return (s64)m->pages;
    if (command == XENMEM_maximum_reservation)
        return (s64)m->max_pages;
    /* Only the guest knows how many pfns it uses: it says so in shared_info, sooner or later. */
    return (s64)max(container_of(m, struct domain, mem)->shared->arch.max_pfn, 1UL) - 1;
}

static s64 about_domain(u32 command, u64 arg)
{
    struct xen_memory_domain a;
    struct domain_memory *m;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    s64 error = mmu_find_any(a.domid, &m);
    if (error)
        return error;
    s64 answer = answer_about(m, command);
    mmu_drop_owner(m);
    return answer;
}

/* The frame of the machine-to-physical table that holds the entry of mfn; INVALID_MFN where there is none. */
static mfn_t m2p_frame(u64 mfn)
{
    u64 va = M2P_VA + mfn * sizeof(u64);
    pte_t e = pte_make(map_root(), PTE_P);

    for (unsigned int level = 4; level >= 1; level--) {
        e = ((const pte_t *)mfn_to_virt(pte_mfn(e)))[pt_index(va, level)];
        if (!(e & PTE_P))
            return INVALID_MFN;
    }
    return pte_mfn(e);
}

/* One frame number for each 2 MiB of the table. */
static s64 machphys_mfn_list(u64 arg)
{
    struct xen_machphys_mfn_list a;
    const u64 step = MIB(2) / sizeof(u64);

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    for (a.nr_extents = 0; a.nr_extents < a.max_extents && a.nr_extents * step < max_mfn;
         a.nr_extents++)
        if (!put_guest_u64(a.extent_start + a.nr_extents * sizeof(u64),
                           m2p_frame(a.nr_extents * step).n))
            return refuse(-XEN_EFAULT, a.extent_start);
    return copy_to_guest(arg, &a, sizeof(a)) ? 0 : refuse(-XEN_EFAULT, arg);
}

static s64 machphys_mapping(u64 arg)
{
    struct xen_machphys_mapping a = { .v_start = MACH2PHYS_VIRT_START,
                                      .v_end = MACH2PHYS_VIRT_END,
                                      .max_mfn = MACH2PHYS_NR_ENTRIES - 1 };

    return copy_to_guest(arg, &a, sizeof(a)) ? 0 : refuse(-XEN_EFAULT, arg);
}

static s64 memory_op(u32 what, u64 *start, u64 arg)
{
    switch (what) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        return change_reservation(what, start, arg);
    case XENMEM_machphys_mapping:
        return machphys_mapping(arg);
    case XENMEM_machphys_mfn_list:
        return machphys_mfn_list(arg);
    }
    if (*start) /* nothing else goes on in the middle */
        return refuse(what <= XENMEM_acquire_resource ? -XEN_EINVAL : -XEN_ENOSYS, what);
    switch (what) {
    case XENMEM_exchange:
        return exchange(arg);
    case XENMEM_maximum_ram_page:
        return (s64)max_mfn - 1;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return about_domain(what, arg);
    case XENMEM_memory_map:
        return memory_map_get(arg);
    case XENMEM_set_memory_map:
        return memory_map_set(arg);
    default:
        return refuse(-XEN_ENOSYS, what);
    }
}

s64 hc_memory_op(u64 command, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
    u32 what = command & (BIT(COMMAND_BITS) - 1);
    u64 start = command >> COMMAND_BITS;
    s64 result = memory_op(what, &start, arg);

    if (result == -XEN_ERESTART)
        return hypercall_restart(__HYPERVISOR_memory_op, what | start << COMMAND_BITS, arg, a3, a4,
                                 a5, a6);
    return result;
}
