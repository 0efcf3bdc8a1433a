/*
 * `test=audit`: break the frame table in one way after the other, have the audit look, and mend it. A referee that finds nothing wrong is only worth something
 * if it finds what is.
 *
 * For start-up only, when the domains are built and none runs yet.
 */
#include "debug/selftest.h"

#include "debug/audit.h"
#include "debug/say.h"
#include "domain/domain.h"
#include "lib/debug.h"
#include "lib/panic.h"

/* Break, look, mend. */
#define WITH_BROKEN(place, value, what)                                                            \
    do {                                                                                           \
        __typeof__(place) whole = (place);                                                         \
        (place) = (value);                                                                         \
        say("test=audit: broken on purpose: %s\n", what);                                          \
        audit_all();                                                                               \
        (place) = whole;                                                                           \
    } while (0)

static bool is_free_inside(const struct frame *f)
{
    return f->owner == OWNER_FREE && f->next && mfn_to_frame(MFN(f->next))->next;
}

static bool is_plain(const struct frame *f)
{
    return f->owner < OWNER_LIMBO && !(f->flags & FRAME_SHARED) && f->type == FRAME_WRITABLE &&
           f->type_refs && f->prev;
}

static bool is_l1(const struct frame *f)
{
    return f->owner < OWNER_LIMBO && f->type == FRAME_L1 && f->type_refs;
}

static bool is_l4(const struct frame *f)
{
    return f->owner < OWNER_LIMBO && f->type == FRAME_L4 && f->type_refs;
}

static struct frame *find(bool (*wanted)(const struct frame *))
{
    for (u64 n = 0; n < max_mfn; n++)
        if (wanted(mfn_to_frame(MFN(n))))
            return mfn_to_frame(MFN(n));
    return NULL;
}

static void break_free(struct frame *f)
{
    struct frame *second = mfn_to_frame(MFN(f->next));

    WITH_BROKEN(f->refs, 1, "a reference of a free frame");
    WITH_BROKEN(m2p_table[frame_to_mfn(f).n], 7, "the machine-to-physical entry of a free frame");
    WITH_BROKEN(f->next, second->next, "a frame lost from the free list");
}

static void break_plain(struct frame *f)
{
    WITH_BROKEN(f->refs, f->refs + 1, "one reference too many");
    WITH_BROKEN(f->refs, f->refs - 1, "one reference too few");
    WITH_BROKEN(f->type_refs, f->type_refs + 1, "one type reference too many");
    WITH_BROKEN(f->type, FRAME_SEG, "the type of a writable frame");
    WITH_BROKEN(f->prev, f->prev + 1, "a link of the page list");
    WITH_BROKEN(f->owner, OWNER_FREE, "an owner");
}

/* A present entry of the table that maps another frame than the table itself, read-only frames first. */
static pte_t *present_entry(struct frame *table, bool writable)
{
    pte_t *entries = frame_to_virt(table);

    for (u32 i = 0; i < PTES_PER_TABLE; i++)
        if ((entries[i] & PTE_P) && !(entries[i] & PTE_RW) == !writable)
            return &entries[i];
    return NULL;
}

static void break_tables(struct frame *l1, struct frame *l4)
{
    pte_t *writable = present_entry(l1, true);
    pte_t *slot = (pte_t *)frame_to_virt(l4) + HYP_L4_LAST;

    if (writable) {
        WITH_BROKEN(*writable, pte_make(frame_to_mfn(l1), PTE_P | PTE_RW | PTE_U),
                    "a writable mapping of a page table");
        WITH_BROKEN(*writable, *writable & ~PTE_U, "an entry closed to ring 3");
    }
    WITH_BROKEN(*slot, *slot ^ PTE_U, "a hypervisor slot of an L4");
}

static void verdict(const char *when)
{
    say("test=audit: %s %s\n", audit_all() ? "NOT CLEAN" : "clean", when);
}

void selftest_audit(void)
{
    struct frame *free = find(is_free_inside), *plain = find(is_plain), *l1 = find(is_l1),
                 *l4 = find(is_l4);

    verdict("before");
    if (free)
        break_free(free);
    if (plain)
        break_plain(plain);
    if (l1 && l4)
        break_tables(l1, l4);
    verdict("after");
}
