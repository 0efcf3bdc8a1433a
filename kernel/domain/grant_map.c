/*
 * Grants, the mapper's side: handles, mapping and unmapping. See grant.h.
 *
 * A mapping is an L1 entry like any other, but for its frame, which is the granter's: so both memories are locked while it is made. Undoing
 * one needs no lock of the granter's memory: references may go down without it, and the use has a lock of its own. The order of the
 * undoing is what makes it safe: first the entries, then one flush of all CPUs that may know them, then the uses, by which the granter
 * learns that the frames are its own again.
 */
#include "domain/grant_use.h"

#include "abi/errno.h"
#include "lib/panic.h"
#include "lib/trace.h"
#include "mm/alloc.h"
#include "mm/update.h"

#ifdef KOAN_HOST
bool work_pending(void);
#else
#include "x86/cpu.h"
#endif

#define MAP_KINDS (GNTMAP_host_map | GNTMAP_device_map)

/* ---- handles ---- */

static void *new_page(void)
{
    mfn_t mfn = alloc_koan_page();

    return mfn.n == INVALID_MFN.n ? NULL : mfn_to_virt(mfn);
}

/* Any handle that has ever been given out; NULL: forged. */
static struct grant_map *map_of(const struct domain_memory *m, u32 handle)
{
    const struct grant_maps *maps = m->maps;

    if (unlikely(!maps || handle >= maps->fresh))
        return NULL;
    return &maps->page[handle / GRANT_MAPS_PER_PAGE][handle % GRANT_MAPS_PER_PAGE];
}

/* One that has not been used before. */
static struct grant_map *fresh_map(struct grant_maps *maps, u32 *handle)
{
    if (maps->fresh == maps->pages * GRANT_MAPS_PER_PAGE) {
        if (maps->pages == GRANT_MAP_PAGES || !(maps->page[maps->pages] = new_page()))
            return NULL;
        maps->pages++;
    }
    *handle = maps->fresh++;
    return &maps->page[*handle / GRANT_MAPS_PER_PAGE][*handle % GRANT_MAPS_PER_PAGE];
}

/* A free handle, and what it names. It is in use when its flags are set; until then, nothing has happened. NULL: there is none. */
static struct grant_map *free_map(struct domain_memory *m, u32 *handle)
{
    struct grant_maps *maps = m->maps;

    if (unlikely(!maps)) {
        maps = m->maps = new_page();
        if (!maps)
            return NULL;
        maps->free = GRANT_NO_HANDLE;
    }
    if (unlikely(maps->free == GRANT_NO_HANDLE)) {
        struct grant_map *map = fresh_map(maps, handle);

        if (!map)
            return NULL;
        map->mfn = GRANT_NO_HANDLE;
        maps->free = *handle;
        return map;
    }
    *handle = maps->free;
    return map_of(m, *handle);
}

static void map_free(struct domain_memory *m, struct grant_map *map, u32 handle)
{
    map->flags = 0;
    map->mfn = m->maps->free;
    m->maps->free = handle;
}

/* ---- who lends ---- */

struct domain_memory *grant_find_peer(struct grant_caller *c, u16 domid)
{
    grant_caller_done(c);
    return c->peer = memory_find(domid);
}

/* ---- map ---- */

/* For a device: references without an entry. Nothing else keeps a device away from a frame here. */
static bool device_get(struct domain_memory *from, struct frame *f, bool write)
{
    if (!frame_get(f))
        return false;
    if (!write || writable_get(from, f))
        return true;
    frame_put(f);
    return false;
}

static void device_put(struct frame *f, bool write)
{
    if (write)
        writable_put(f);
    frame_put(f);
}

/* LAB 4.4a: Map a granted frame: a handle, a use of the grant, and an L1 entry with all it holds, or nothing. */

/* The L1 entry that is meant: by its machine address, or by the address that it maps. */
static pte_t *find_slot(const struct domain_memory *m, u64 cr3, u64 address, u32 flags)
{
    if (!(flags & GNTMAP_contains_pte))
        return update_find_l1(m, cr3, address);
    struct frame *f = frame_owned(MFN(address >> PAGE_SHIFT), m->domid);
    if (!f || f->type != FRAME_L1 || !f->type_refs || address % sizeof(pte_t))
        return NULL;
    return (pte_t *)((u8 *)frame_to_virt(f) + address % PAGE_SIZE);
}

/* The entry, as Xen makes it: the guest's own bits come from the upper half of the flags. */
static pte_t entry_for(mfn_t mfn, u32 flags)
{
    u64 avail = flags >> 16;
    pte_t e = pte_make(mfn, PTE_P | PTE_A | PTE_D);

    if (!(flags & GNTMAP_readonly))
        e |= PTE_RW;
    if (flags & GNTMAP_application_map)
        e |= PTE_U;
    return e | (avail & 7) << 9 | (avail >> 3 & 0x7ff) << 52;
}

/* Everything that holds the frame. What the granter does not own can't be lent: not device memory either, whoever asks. */
static s16 hold_frame(struct domain_memory *own, struct domain_memory *from, pte_t *slot, mfn_t mfn,
                      u32 flags)
{
    struct frame *f = frame_owned(mfn, from->domid);
    bool write = !(flags & GNTMAP_readonly);

    if (unlikely(!f))
        return (s16)refuse(GNTST_bad_page, mfn.n);
    if (unlikely(flags & GNTMAP_device_map) && !device_get(from, f, write))
        return (s16)refuse(GNTST_general_error, mfn.n);
    if (!slot || likely(!update_l1(own, from, slot, entry_for(mfn, flags), false)))
        return GNTST_okay;
    if (flags & GNTMAP_device_map)
        device_put(f, write);
    return GNTST_general_error;
}

/* Take a handle, a use and the references, or none of them. */
static s16 map_used(struct grant_caller *c, struct domain_memory *from, pte_t *slot,
                    struct gnttab_map_grant_ref *op)
{
    struct grant_table *t = from->grants;
    bool write = !(op->flags & GNTMAP_readonly);
    u32 handle;
    struct grant_map *map = free_map(c->own, &handle);
    mfn_t mfn;

    if (unlikely(!map))
        return (s16)refuse(GNTST_no_device_space, op->ref);
    s16 status = grant_use(t, op->ref, c->own->domid, write, &mfn);
    if (unlikely(status))
        return status;
    status = hold_frame(c->own, from, slot, mfn, op->flags);
    if (unlikely(status)) {
        grant_unuse(t, op->ref, write);
        return status;
    }
    c->own->maps->free = map->mfn;
    map->table = t;
    map->mfn = (u32)mfn.n;
    map->ref = (u16)op->ref;
    map->flags = (u16)(op->flags & ~GNTMAP_guest_avail_mask);
    op->handle = handle;
    op->dev_bus_addr = mfn.n << PAGE_SHIFT;
    return GNTST_okay;
}

/* Under both locks. A granter that never asked for its table has granted nothing. */
static s16 map_locked(struct grant_caller *c, struct domain_memory *from,
                      struct gnttab_map_grant_ref *op)
{
    pte_t *slot = NULL;

    if (unlikely(from->dying))
        return (s16)refuse(GNTST_bad_domain, op->dom);
    if (unlikely(!from->grants))
        return (s16)refuse(op->ref < GRANT_REFS_PER_FRAME ? GNTST_general_error : GNTST_bad_gntref,
                           op->ref);
    if (likely(op->flags & GNTMAP_host_map)) {
        slot = find_slot(c->own, c->cr3, op->host_addr, op->flags);
        if (unlikely(!slot))
            return (s16)refuse(GNTST_general_error, op->host_addr);
    }
    return map_used(c, from, slot, op);
}

s64 grant_map(struct grant_caller *c, struct gnttab_map_grant_ref *op)
{
    struct domain_memory *from;

    if (unlikely(!(op->flags & MAP_KINDS))) {
        op->status = (s16)refuse(GNTST_bad_gntref, op->flags);
        return 0;
    }
    from = grant_peer(c, op->dom);
    if (unlikely(!from)) {
        op->status = (s16)refuse(GNTST_bad_domain, op->dom);
        return 0;
    }
    if (unlikely(!memory_enter_pair(c->own, from)))
        return -XEN_ERESTART;
    op->status = map_locked(c, from, op);
    memory_leave_pair(c->own, from);
    return 0;
}

/* END LAB 4.4a */

/* ---- unmap ---- */

/* LAB 4.4b: Undo mappings in the order that keeps the granter safe: entries, flush, uses. */

/* Is it the entry that this mapping made? */
static bool is_mapping(pte_t e, const struct grant_map *map)
{
    u64 wanted = map->flags & GNTMAP_readonly ? PTE_P : PTE_P | PTE_RW;

    return pte_mfn(e).n == map->mfn && (e & (PTE_P | PTE_RW)) == wanted;
}

/* What is to stand in place of the mapping: nothing, or the entry that is taken away from new_addr, with all it holds. */
static s16 take_replacement(struct grant_caller *c, const pte_t *slot, u64 new_addr, pte_t *e)
{
    *e = 0;
    if (likely(!new_addr))
        return GNTST_okay;
    pte_t *from = update_find_l1(c->own, c->cr3, new_addr);
    if (!from || from == slot)
        return (s16)refuse(GNTST_general_error, new_addr);
    *e = __atomic_exchange_n(from, 0, __ATOMIC_SEQ_CST);
    return GNTST_okay;
}

static s16 undo_entry(struct grant_caller *c, struct grant_map *map, struct grant_unmap *op)
{
    pte_t *slot = find_slot(c->own, c->cr3, op->host_addr, map->flags);
    pte_t e;

    if (unlikely(!slot || !is_mapping(*slot, map)))
        return (s16)refuse(GNTST_general_error, op->host_addr);
    if (unlikely(op->new_addr && (map->flags & GNTMAP_contains_pte)))
        return (s16)refuse(GNTST_general_error, op->new_addr);
    s16 status = take_replacement(c, slot, op->new_addr, &e);
    if (likely(!status)) {
        l1_entry_put(__atomic_exchange_n(slot, e, __ATOMIC_SEQ_CST));
        map->flags &= (u16)~GNTMAP_host_map;
        op->flush = true;
    }
    return status;
}

static s16 undo_device(struct grant_map *map, const struct grant_unmap *op)
{
    if (op->dev_bus_addr != (u64)map->mfn << PAGE_SHIFT)
        return (s16)refuse(GNTST_general_error, op->dev_bus_addr);
    device_put(mfn_to_frame(MFN(map->mfn)), !(map->flags & GNTMAP_readonly));
    map->flags &= (u16)~GNTMAP_device_map;
    return GNTST_okay;
}

/* The first part: take the entry away. An address of 0 leaves its part of the mapping alone. */
static s16 undo(struct grant_caller *c, struct grant_unmap *op)
{
    struct grant_map *map = map_of(c->own, op->handle);
    s16 status = GNTST_okay;

    op->map = NULL;
    op->flush = false;
    if (unlikely(!map || !(map->flags & MAP_KINDS)))
        return (s16)refuse(GNTST_bad_handle, op->handle);
    if (op->host_addr && likely(map->flags & GNTMAP_host_map))
        status = undo_entry(c, map, op);
    if (!status && unlikely(op->dev_bus_addr && (map->flags & GNTMAP_device_map)))
        status = undo_device(map, op);
    if (!(map->flags & MAP_KINDS)) {
        op->map = map;
        op->write = !(map->flags & GNTMAP_readonly);
    }
    return status;
}

/* The last part, when no CPU knows the mapping any more. */
static void unuse(struct grant_caller *c, const struct grant_unmap *op)
{
    struct grant_table *t = op->map->table;
    grant_ref_t ref = op->map->ref;

    map_free(c->own, op->map, op->handle);
    grant_unuse(t, ref, op->write);
}

s64 grant_unmap(struct grant_caller *c, struct grant_unmap *ops, u32 count)
{
    bool flush = false;

    assert(count <= GRANT_UNMAP_BATCH);
    if (unlikely(!memory_enter(c->own)))
        return -XEN_ERESTART;
    for (u32 i = 0; i < count; i++) {
        ops[i].status = undo(c, &ops[i]);
        flush |= ops[i].flush;
    }
    /* All of it: the page may stand at other addresses, too, where another entry names the same L1 table. */
    if (likely(flush))
        tlb_flush_mask(&c->own->cpus, TLB_ALL);
    for (u32 i = 0; i < count; i++)
        if (likely(ops[i].map != NULL))
            unuse(c, &ops[i]);
    memory_leave(c->own);
    return 0;
}

/* END LAB 4.4b */

/* ---- the end ---- */

static void end_map(struct grant_map *map)
{
    bool write = !(map->flags & GNTMAP_readonly);

    if (map->flags & GNTMAP_device_map)
        device_put(mfn_to_frame(MFN(map->mfn)), write);
    grant_unuse(map->table, map->ref, write);
    map->flags = 0;
}

/* One page of handles, or as many of it as there is time for. */
static bool end_page(struct grant_map *page)
{
    for (u32 i = 0; i < GRANT_MAPS_PER_PAGE; i++) {
        if (!(page[i].flags & MAP_KINDS))
            continue;
        end_map(&page[i]);
        if (work_pending())
            return false;
    }
    return true;
}

bool grant_maps_end(struct domain_memory *m)
{
    struct grant_maps *maps = m->maps;

    if (!maps)
        return true;
    assert(m->dying && !m->page_list);
    maps->fresh = 0;
    while (maps->pages) {
        if (!end_page(maps->page[maps->pages - 1]))
            return false;
        alloc_free_koan_page(virt_to_mfn(maps->page[--maps->pages]));
        if (work_pending())
            return false;
    }
    m->maps = NULL;
    alloc_free_koan_page(virt_to_mfn(maps));
    return true;
}
