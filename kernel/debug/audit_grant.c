/*
 * The recount of grants: the uses that tables believe in against the mappings that handles stand for, one by one.
 *
 * A table of uses can outlive its domain, so tables are found from both sides: from their domains and from the handles. There is no scratch
 * memory for each grant; each table has two words of its own for the audit, in which what the two sides say cancels out: the number of uses,
 * and a sum in which each use weighs differently, so that uses of the wrong grant show.
 */
#include "debug/audit.h"
#include "domain/domain.h"
#include "domain/grant.h"

typedef void visit_map(struct domain *d, struct grant_map *map);

static void for_each_map(visit_map *visit)
{
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        struct grant_maps *maps = d->mem.maps;

        for (u32 i = 0; maps && i < maps->pages * GRANT_MAPS_PER_PAGE; i++) {
            struct grant_map *map = &maps->page[i / GRANT_MAPS_PER_PAGE][i % GRANT_MAPS_PER_PAGE];

            if (map->flags)
                visit(d, map);
        }
    }
}

/* Odd, and different for each: no two sets of uses of sensible size have the same sum by accident. */
static u64 weight(u32 ref, bool write)
{
    u64 x = (2UL * ref + write + 1) * 0x9e3779b97f4a7c15UL;

    return (x ^ x >> 29) * 0xbf58476d1ce4e5b9UL | 1;
}

static void clear_table(struct grant_table *t)
{
    t->audit_users = t->audit_sum = 0;
}

static void clear_of_map(struct domain *d, struct grant_map *map)
{
    (void)d;
    clear_table(map->table);
}

static void count_map(struct domain *d, struct grant_map *map)
{
    bool write = !(map->flags & GNTMAP_readonly);

    map->table->audit_users++;
    if (!map->table->dead)
        map->table->audit_sum += weight(map->ref, write);
    if (map->flags & GNTMAP_device_map)
        audit_hold(MFN(map->mfn), write ? FRAME_WRITABLE : FRAME_NONE, "a device's grant");
    if ((map->flags & GNTMAP_host_map) && recount_of(MFN(map->mfn)))
        audit_may_map(&d->mem, MFN(map->mfn));
}

/* The domain itself is a user, while it has its table. Take away what that says; it says nothing any more in a dying one. */
static void subtract_table(struct grant_table *t)
{
    t->audit_users++;
    if (t->dead)
        return;
    for (u32 ref = 0; ref < t->frames * GRANT_REFS_PER_FRAME; ref++) {
        u64 uses = t->active[ref / GRANT_ACTIVE_PER_PAGE][ref % GRANT_ACTIVE_PER_PAGE].uses;

        t->audit_sum -= (u32)uses * weight(ref, false) + (uses >> 32) * weight(ref, true);
    }
}

static void check_table(struct grant_table *t)
{
    if (t->users != t->audit_users)
        audit_differs_plain("grant table of domain %u: %lu users, the recount %lu", t->domid,
                            t->users, t->audit_users);
    if (t->audit_sum)
        audit_differs_plain("grant table of domain %u: not the grants that are mapped", t->domid);
    t->audit_users = t->users; /* to be told once */
    t->audit_sum = 0;
}

static void check_of_map(struct domain *d, struct grant_map *map)
{
    (void)d;
    check_table(map->table);
}

void audit_count_grants(void)
{
    for_each_map(clear_of_map);
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        if (d->mem.grants)
            clear_table(d->mem.grants);
    for_each_map(count_map);
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        if (!d->mem.grants)
            continue;
        subtract_table(d->mem.grants);
        check_table(d->mem.grants);
    }
    for_each_map(check_of_map);
}
