/*
 * A lends one page and takes it back, over and over, while b maps it, copies it and lets it go: when a has it back, b must neither see it nor
 * change it any more, not even by what its CPU still remembers of the mapping.
 *
 * While the page is lent its first word is PUBLIC, while it is not, SECRET. The order of things in the hypervisor decides: entry, flush,
 * and only then the bits that tell a. On a machine with two CPUs both run at once. Source: grant_table.h.
 */
#define PAIR
#include "grant.h"
#include "pair.h"
#include "test.h"

#define ROUNDS 400
#define REF    8
#define PUBLIC 0x1111111111111111UL
#define SECRET 0x5ec2e75ec2e75ec2UL

static u32 port;

static void lend(void)
{
    volatile u64 *page = page_alloc();

    bool mapped = false; /* by b, once at least: then it has taken the first event, too */

    for (int n = 0; n < ROUNDS || !mapped; n++) {
        page[0] = PUBLIC;
        grant_write(REF, GTF_permit_access, pair_peer(), (u32)ptr_mfn((void *)page));
        if (n == 0)
            pair_signal(port);
        yield();
        while (!grant_end(REF))
            yield();
        page[0] = SECRET;
        u64 left = page[1];
        for (int i = 0; i < 20; i++)
            if (i % 8 == 0)
                yield();
        CHECK_EQ(page[1], left);
        CHECK_EQ(page[0], SECRET);
        mapped |= event_clear(port);
    }
    page[0] = PUBLIC;
    grant_write(REF, GTF_permit_access | GTF_readonly, pair_peer(), (u32)ptr_mfn((void *)page));
    pair_signal(port);
    pair_wait(port);
}

/* True if it was lent at the time. */
static bool map_once(u64 va, u64 n, u32 flags)
{
    grant_handle_t handle;
    u64 value;
    s64 status = grant_map_at(va, pair_peer(), REF, flags, &handle);

    if (status == GNTST_general_error)
        return false;
    CHECK_RC(status, GNTST_okay);
    CHECK_NO_TRAP(probe_read64(va, &value));
    CHECK_EQ(value, PUBLIC);
    if (!(flags & GNTMAP_readonly))
        CHECK_NO_TRAP(probe_write64(va + 8, n));
    if (n % 4 == 0)
        yield();
    CHECK_NO_TRAP(probe_read64(va, &value));
    CHECK_EQ(value, PUBLIC);
    CHECK_RC(grant_unmap_at(va, handle), GNTST_okay);
    return true;
}

static bool copy_once(u64 *own)
{
    struct grant_side to = { false, DOMID_SELF, ptr_mfn(own), 0 };
    struct grant_side from = { true, pair_peer(), REF, 0 };
    s64 status = grant_copy(&to, &from, 16);

    if (status == GNTST_general_error)
        return false;
    CHECK_RC(status, GNTST_okay);
    CHECK_EQ(own[0], PUBLIC);
    return true;
}

static void borrow(void)
{
    u64 va = SCRATCH_VA, *own = page_alloc(), mapped = 0;

    map(va, ptr_mfn(own), PTE_RO_PAGE);
    CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    pair_wait(port);
    for (u64 n = 0; !event_clear(port); n++) {
        u32 flags = GNTMAP_host_map | (n % 3 ? 0 : GNTMAP_readonly);

        if (map_once(va, n, flags) && mapped++ == 0)
            pair_signal(port);
        copy_once(own);
        if (n % 2)
            yield();
    }
    test_result.answer = mapped;
    CHECK(map_once(va, 0, GNTMAP_host_map | GNTMAP_readonly));
    CHECK(mapped > 0);
    pair_signal(port);
}

TEST
{
    port = pair_connect();
    if (pair_is_a())
        lend();
    else
        borrow();
}
