/*
 * Grants, see grant.h.
 */
#include "grant.h"

#define MOST_FRAMES 64

/* A reserved entry without a meaning of its own. */
#define OWN_DOMID_REF (GNTTAB_NR_RESERVED_ENTRIES - 1)

/* Where the table's frames are mapped: below the kernel image's addresses, where nothing else is. */
#define TABLE_VA 0x0000600000000000UL

static struct grant_entry_v1 *const table = (struct grant_entry_v1 *)TABLE_VA;
static u32 mapped; /* frames */

struct grant_entry_v1 *grant_table(u32 frames)
{
    static u64 list[MOST_FRAMES];
    struct gnttab_setup_table setup = { .dom = DOMID_SELF,
                                        .nr_frames = frames,
                                        .frame_list = (u64)list };

    if (frames <= mapped)
        return table;
    if (frames > MOST_FRAMES || grant_table_op(GNTTABOP_setup_table, &setup, 1) || setup.status)
        guest_panic("no grant table of %u frames: status %d", frames, setup.status);
    for (; mapped < frames; mapped++)
        map(TABLE_VA + mapped * PAGE_SIZE, list[mapped], PTE_RW_PAGE);
    return table;
}

/* A copy may say "my own grants" without a number, but the entry must have the right one: so it tells which that is. */
static bool is_own(domid_t domid, void *page)
{
    struct grant_side mine = { true, DOMID_SELF, OWN_DOMID_REF, 0 };
    struct grant_side to = { false, DOMID_SELF, ptr_mfn(page), 0 };

    grant_write(OWN_DOMID_REF, GTF_permit_access | GTF_readonly, domid, (u32)ptr_mfn(page));
    return grant_copy(&to, &mine, 1) == GNTST_okay;
}

domid_t grant_own_domid(void)
{
    static domid_t own = DOMID_SELF;
    void *page;

    if (own != DOMID_SELF)
        return own;
    page = page_alloc();
    for (domid_t n = 0; n < DOMID_SELF && own == DOMID_SELF; n++)
        if (is_own(n, page))
            own = n;
    grant_write(OWN_DOMID_REF, 0, 0, 0);
    return own;
}

void grant_write(grant_ref_t ref, u16 flags, domid_t to, u32 frame)
{
    struct grant_entry_v1 *entry = &grant_table(ref / (PAGE_SIZE / sizeof(*entry)) + 1)[ref];

    entry->domid = to;
    entry->frame = frame;
    __atomic_store_n(&entry->flags, flags, __ATOMIC_RELEASE);
}

grant_ref_t grant_access(domid_t to, u64 mfn, bool readonly)
{
    static grant_ref_t next = GNTTAB_NR_RESERVED_ENTRIES;

    grant_write(next, readonly ? GTF_permit_access | GTF_readonly : GTF_permit_access, to,
                (u32)mfn);
    return next++;
}

bool grant_end(grant_ref_t ref)
{
    u16 *flags = &table[ref].flags;
    u16 seen = __atomic_load_n(flags, __ATOMIC_RELAXED);

    do {
        if (seen & (GTF_reading | GTF_writing))
            return false;
    } while (
        !__atomic_compare_exchange_n(flags, &seen, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return true;
}

s64 grant_map_at(u64 host_addr, domid_t from, grant_ref_t ref, u32 flags, grant_handle_t *handle)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = host_addr, .flags = flags, .ref = ref, .dom = from
    };
    s64 rc = grant_table_op(GNTTABOP_map_grant_ref, &op, 1);

    *handle = op.handle;
    return rc ? rc : op.status;
}

s64 grant_unmap_at(u64 host_addr, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref op = { .host_addr = host_addr, .handle = handle };
    s64 rc = grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);

    return rc ? rc : op.status;
}

static struct gnttab_copy_ptr copy_pointer(const struct grant_side *side)
{
    struct gnttab_copy_ptr p = { .domid = side->domid, .offset = side->offset };

    if (side->granted)
        p.u.ref = (grant_ref_t)side->ref_or_mfn;
    else
        p.u.gmfn = side->ref_or_mfn;
    return p;
}

s64 grant_copy(const struct grant_side *to, const struct grant_side *from, u16 length)
{
    struct gnttab_copy op = { .source = copy_pointer(from),
                              .dest = copy_pointer(to),
                              .len = length };

    op.flags =
        (u16)((from->granted ? GNTCOPY_source_gref : 0) | (to->granted ? GNTCOPY_dest_gref : 0));
    s64 rc = grant_table_op(GNTTABOP_copy, &op, 1);
    return rc ? rc : op.status;
}
