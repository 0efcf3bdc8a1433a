/*
 * The memory map that a domain is told (Xen's public memory.h: XENMEM_memory_map, XENMEM_set_memory_map): how far its pseudo-physical
 * memory may reach, which is more than it has at the start if it is to grow later. A privileged domain sets it for a domain that it builds, and any domain for
 * itself. One without is told -ENOSYS, as on Xen, and takes all the pages that it starts with as one piece of RAM.
 */
#include "hypercall/memory_map.h"

#include "abi/memory.h"
#include "hypercall/mmu.h"
#include "mm/alloc.h"

#define MOST_ENTRIES 128 /* Xen has room for more, and guests for no more */
static_assert(MOST_ENTRIES * sizeof(struct e820_entry) <= PAGE_SIZE, "in a page");

s64 memory_map_get(u64 arg)
{
    struct domain *d = current_domain();
    struct xen_memory_map a;
    s64 error = 0;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    spin_lock(&d->mem.lock);
    a.nr_entries = min(a.nr_entries, d->memory_map_entries);
    if (!d->memory_map_entries)
        error = refuse(-XEN_ENOSYS, 0);
    else if (!copy_to_guest(a.buffer, d->memory_map, a.nr_entries * sizeof(struct e820_entry)))
        error = refuse(-XEN_EFAULT, a.buffer);
    spin_unlock(&d->mem.lock);
    if (error)
        return error;
    return copy_to_guest(arg, &a, sizeof(a)) ? 0 : refuse(-XEN_EFAULT, arg);
}

/* Keeps the page once it is there. Under the lock of the domain's memory. */
static s64 set_locked(struct domain *d, const struct xen_memory_map *map)
{
    if (d->dying)
        return refuse(-XEN_ESRCH, d->id);
    if (!d->memory_map) {
        mfn_t page = alloc_koan_page();

        if (page.n == INVALID_MFN.n)
            return refuse(-XEN_ENOMEM, d->id);
        d->memory_map = mfn_to_virt(page);
    }
    d->memory_map_entries = 0;
    if (!copy_from_guest(d->memory_map, map->buffer, map->nr_entries * sizeof(struct e820_entry)))
        return refuse(-XEN_EFAULT, map->buffer);
    d->memory_map_entries = map->nr_entries;
    return 0;
}

s64 memory_map_set(u64 arg)
{
    struct xen_foreign_memory_map a;
    struct domain_memory *m;

    if (!copy_from_guest(&a, arg, sizeof(a)))
        return refuse(-XEN_EFAULT, arg);
    if (a.map.nr_entries > MOST_ENTRIES)
        return refuse(-XEN_EINVAL, a.map.nr_entries);
    s64 error = mmu_find_any(a.domid, &m);
    if (error)
        return error;
    error = mmu_may_touch(m);
    if (!error) {
        spin_lock(&m->lock);
        error = set_locked(container_of(m, struct domain, mem), &a.map);
        spin_unlock(&m->lock);
    }
    mmu_drop_owner(m);
    return error;
}
