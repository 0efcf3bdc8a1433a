/*
 * a gives up or exchanges frames while b has them mapped through grants: b keeps what it sees until it unmaps it, whatever a is told, and
 * nobody else gets those frames before. Then a's grants come to an end as always. Source: grant_table.h, memory.h.
 */
#define PAIR
#include "grant.h"
#include "pair.h"
#include "test.h"

#define PAGES   8
#define REF     8
#define VALUE   0x1e47000000000000UL
#define NEW     0x2e30000000000000UL
#define STRANGE 16 /* more pages, that a fetches meanwhile */

static u32 port;
static u64 pfns[PAGES], old[PAGES];

static s64 change(u32 cmd, u64 *mfn_or_pfn)
{
    struct xen_memory_reservation r = { .extent_start = (u64)mfn_or_pfn,
                                        .nr_extents = 1,
                                        .domid = DOMID_SELF };

    return memory_op(cmd, &r);
}

static s64 exchange(u64 *in, u64 *out)
{
    struct xen_memory_exchange e = {
        .in = { .extent_start = (u64)in, .nr_extents = 1, .domid = DOMID_SELF },
        .out = { .extent_start = (u64)out, .nr_extents = 1, .domid = DOMID_SELF },
    };

    return memory_op(XENMEM_exchange, &e);
}

static bool is_old(u64 mfn)
{
    for (u64 i = 0; i < PAGES; i++)
        if (old[i] == mfn)
            return true;
    return false;
}

/* A new frame may not be one that b still has. */
static void write_new(u64 mfn)
{
    CHECK(!is_old(mfn));
    map(SCRATCH_VA, mfn, PTE_RW_PAGE);
    *(volatile u64 *)SCRATCH_VA = NEW;
    CHECK_RC(update_va_mapping(SCRATCH_VA, 0, UVMF_INVLPG), 0);
}

static void lend(void)
{
    u64 given = 0;

    for (u64 i = 0; i < PAGES; i++) {
        pfns[i] = pfn_alloc();
        old[i] = pfn_mfn(pfns[i]);
        map(SCRATCH_VA, old[i], PTE_RW_PAGE);
        *(volatile u64 *)SCRATCH_VA = VALUE + i;
        CHECK_RC(update_va_mapping(SCRATCH_VA, 0, UVMF_INVLPG), 0);
        grant_write(REF + (u32)i, i % 2 ? GTF_permit_access | GTF_readonly : GTF_permit_access,
                    pair_peer(), (u32)old[i]);
    }
    pair_signal(port);
    pair_wait(port);
    for (u64 i = 0; i < PAGES; i++) {
        u64 in = old[i], out = pfns[i];

        if (i < PAGES / 2) {
            if (change(XENMEM_decrease_reservation, &in) == 1)
                given++;
        } else if (exchange(&in, &out) == 0 && out != old[i]) {
            write_new(out);
        }
        CHECK(!grant_end(REF + (u32)i));
    }
    for (u64 i = 0; i < given; i++) {
        u64 place = pfns[0];

        if (change(XENMEM_populate_physmap, &place) == 1)
            write_new(place);
    }
    pair_signal(port);
    pair_wait(port);
    for (u64 i = 0; i < PAGES; i++)
        CHECK(grant_end(REF + (u32)i));
}

static void check_values(void)
{
    for (u64 i = 0; i < PAGES; i++) {
        u64 value;

        CHECK_NO_TRAP(probe_read64(SCRATCH_VA + i * PAGE_SIZE, &value));
        CHECK_EQ(value, VALUE + i);
    }
}

static void borrow(void)
{
    grant_handle_t handles[PAGES];

    for (u64 i = 0; i < PAGES; i++) {
        u64 va = SCRATCH_VA + i * PAGE_SIZE;

        map(va, ptr_mfn(&test_result), PTE_RO_PAGE);
        CHECK_RC(update_va_mapping(va, 0, UVMF_INVLPG), 0);
    }
    pair_wait(port);
    for (u64 i = 0; i < PAGES; i++)
        CHECK_RC(grant_map_at(SCRATCH_VA + i * PAGE_SIZE, pair_peer(), REF + (u32)i,
                              GNTMAP_host_map | (i % 2 ? GNTMAP_readonly : 0), &handles[i]),
                 GNTST_okay);
    pair_signal(port);
    pair_wait(port);
    check_values();
    for (u64 i = 0; i < PAGES; i++)
        CHECK_RC(grant_unmap_at(SCRATCH_VA + i * PAGE_SIZE, handles[i]), GNTST_okay);
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
