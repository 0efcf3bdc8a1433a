/*
 * Grants: entries that change at any time, mappings and copies by one's own and by other domains' grants, handles true and forged. Several
 * fuzz guests lend to each other; each writes its entries for all of them.
 */
#include "fuzz.h"
#include "grant.h"

#define REFS    1024 /* two frames of entries; a few more are asked for */
#define HANDLES 64
#define LIST    40 /* more than one batch */

/* What has been mapped, perhaps, and where. */
static struct {
    u64 host_addr, dev_bus_addr;
    grant_handle_t handle;
} known[HANDLES];

static domid_t self;

static domid_t some_peer(void)
{
    return rnd_once_in(2) ? self : rnd_once_in(8) ? (domid_t)some_domid() : (domid_t)rnd_below(3);
}

static grant_ref_t some_ref(void)
{
    return (grant_ref_t)(rnd_once_in(16) ? some_word() : rnd_below(rnd_once_in(8) ? 1100 : 24));
}

static void lend(void)
{
    u16 flags = rnd_once_in(8) ? (u16)rnd() : GTF_permit_access;
    grant_ref_t ref = (grant_ref_t)rnd_below(24);

    if (rnd_once_in(8))
        flags |= GTF_readonly;
    if (rnd_once_in(8))
        grant_end(ref);
    else
        grant_write(ref, flags, some_peer(), (u32)some_mfn());
}

static u64 some_place(u32 *flags)
{
    if (rnd_once_in(4)) {
        *flags |= GNTMAP_contains_pte;
        return rnd_once_in(8) ? some_word() : ptr_maddr(some_slot());
    }
    return rnd_once_in(16) ? some_va() : POOL_VA + pool_below() * PAGE_SIZE;
}

static void map_some(void)
{
    static struct gnttab_map_grant_ref ops[LIST];
    u64 n = rnd_once_in(4) ? 1 + rnd_below(LIST) : 1;

    for (u64 i = 0; i < n; i++) {
        u32 flags = rnd_once_in(16) ? (u32)rnd() : GNTMAP_host_map;

        if (rnd_once_in(3))
            flags |= GNTMAP_readonly;
        if (rnd_once_in(8))
            flags |= GNTMAP_device_map;
        ops[i].host_addr = some_place(&flags);
        ops[i].flags = flags;
        ops[i].ref = some_ref();
        ops[i].dom = some_peer();
        ops[i].status = GNTST_general_error;
    }
    grant_table_op(GNTTABOP_map_grant_ref, ops, n);
    for (u64 i = 0; i < n; i++) {
        u64 k = rnd_below(HANDLES);

        if (ops[i].status != GNTST_okay)
            continue;
        known[k].host_addr = ops[i].host_addr;
        known[k].dev_bus_addr = ops[i].dev_bus_addr;
        known[k].handle = ops[i].handle;
    }
}

static struct gnttab_unmap_grant_ref some_unmap(void)
{
    u64 k = rnd_below(HANDLES);
    struct gnttab_unmap_grant_ref op = { .host_addr = known[k].host_addr,
                                         .handle = known[k].handle };

    if (rnd_once_in(4))
        op.dev_bus_addr = known[k].dev_bus_addr;
    if (rnd_once_in(16))
        op.host_addr = some_word();
    if (rnd_once_in(16))
        op.handle = (grant_handle_t)some_word();
    return op;
}

static void unmap_some(void)
{
    static struct gnttab_unmap_grant_ref ops[LIST];
    u64 n = rnd_once_in(4) ? 1 + rnd_below(LIST) : 1;
    u64 cmd = rnd_once_in(4) ? GNTTABOP_unmap_and_replace : GNTTABOP_unmap_grant_ref;

    for (u64 i = 0; i < n; i++) {
        ops[i] = some_unmap();
        if (cmd == GNTTABOP_unmap_and_replace) /* there stands the new address */
            ops[i].dev_bus_addr = rnd_once_in(8) ? some_va() : POOL_VA + pool_below() * PAGE_SIZE;
    }
    grant_table_op(cmd, ops, n);
}

static struct gnttab_copy_ptr some_end(bool granted)
{
    struct gnttab_copy_ptr p = { .domid = granted ? some_peer() : DOMID_SELF,
                                 .offset = (u16)rnd_below(4200) };

    if (granted)
        p.u.ref = some_ref();
    else
        p.u.gmfn = some_mfn();
    return p;
}

static void copy_some(void)
{
    static struct gnttab_copy ops[LIST];
    u64 n = rnd_once_in(4) ? 1 + rnd_below(LIST) : 1;

    for (u64 i = 0; i < n; i++) {
        u16 flags = (u16)rnd_below(4);

        ops[i] = (struct gnttab_copy){ .source = some_end(flags & GNTCOPY_source_gref),
                                       .dest = some_end(flags & GNTCOPY_dest_gref),
                                       .len = (u16)rnd_below(rnd_once_in(8) ? 0x10000 : 512),
                                       .flags = flags };
    }
    grant_table_op(GNTTABOP_copy, ops, n);
}

/* Commands of which the argument is filled with anything, and lists that lie where they can't. */
static void other_calls(void)
{
    u64 words[8];

    for (u64 i = 0; i < ARRAY_SIZE(words); i++)
        words[i] = rnd_once_in(4) ? some_word() : (u32)rnd_below(70) << 16 | DOMID_SELF;
    grant_table_op(rnd_below(14), words, rnd_once_in(4) ? rnd_below(3) : 1);
    grant_table_op(rnd_below(14), (void *)some_va(), rnd_once_in(4) ? some_word() : rnd_below(3));
}

static void swap(void)
{
    struct gnttab_swap_grant_ref op = { .ref_a = some_ref(), .ref_b = some_ref() };

    grant_table_op(GNTTABOP_swap_grant_ref, &op, 1);
}

void grants_init(void)
{
    self = grant_own_domid();
    grant_table(REFS * sizeof(struct grant_entry_v1) / PAGE_SIZE);
    for (u32 i = 0; i < 100; i++)
        lend();
}

void step_grants(void)
{
    static void (*const steps[])(
        void) = { lend,       lend,       map_some, map_some,  map_some,
                  unmap_some, unmap_some, swap,     copy_some, other_calls };

    steps[rnd_below(ARRAY_SIZE(steps))]();
}
