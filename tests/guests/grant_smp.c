/*
 * vCPUs of one domain race on the same grants: all map, unmap and copy the same entries, while the first lends them and takes them back
 * again. In the end every grant is free, and every page of use to its owner. An entry is swapped with a second one for the same page.
 *
 * Whatever the order, an answer is one of those that make sense: mapped, or not lent just now. Source: grant_table.h.
 */
#define NEEDS_VCPUS 3
#include "grant.h"
#include "smp.h"
#include "test.h"

#define GRANTS     4
#define ROUNDS     300
#define REF        8
#define FAR_HANDLE 1000000 /* nearer ones may be other vCPUs'; Xen gives each a range */

static domid_t self;
static u64 *pages[GRANTS], *scratch[NEEDS_VCPUS];
static u64 places[NEEDS_VCPUS];
static u32 done; /* vCPUs */

static bool expected(s64 status)
{
    return status == GNTST_okay || status == GNTST_general_error;
}

/* TEST_FAIL is for the first vCPU; the others only count what is wrong. */
static u32 wrong;

static void count(bool right)
{
    if (!right)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void map_once(u64 vcpu, u64 n)
{
    grant_handle_t handle;
    u32 flags = GNTMAP_host_map | (n % 2 ? GNTMAP_readonly : 0);
    s64 status = grant_map_at(places[vcpu], self, REF + (u32)(n % GRANTS), flags, &handle);

    count(expected(status));
    if (status == GNTST_okay) {
        count(*(volatile u64 *)places[vcpu] == 1 + n % GRANTS);
        count(grant_unmap_at(places[vcpu], handle) == GNTST_okay);
    }
}

static void swap_once(u64 n)
{
    struct gnttab_swap_grant_ref op = { .ref_a = REF + (u32)(n % GRANTS),
                                        .ref_b = REF + GRANTS + (u32)(n % GRANTS) };

    count(grant_table_op(GNTTABOP_swap_grant_ref, &op, 1) == 0);
    count(op.status == GNTST_okay || op.status == GNTST_eagain);
}

static void race(u64 vcpu)
{
    struct grant_side to = { false, DOMID_SELF, ptr_mfn(scratch[vcpu]), 0 };

    for (u64 n = 0; n < ROUNDS; n++) {
        struct grant_side from = { true, self, REF + n % GRANTS, 0 };

        map_once(vcpu, n + vcpu);
        count(expected(grant_copy(&to, &from, 8)));
        swap_once(n + vcpu);
        count(grant_unmap_at(places[vcpu], (grant_handle_t)(FAR_HANDLE + n)) == GNTST_bad_handle);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void lend(u64 i)
{
    grant_write(REF + (u32)i, GTF_permit_access, self, (u32)ptr_mfn(pages[i % GRANTS]));
}

TEST
{
    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("for %d vCPUs", NEEDS_VCPUS);
    self = grant_own_domid();
    grant_table(1);
    for (u64 i = 0; i < GRANTS; i++) {
        pages[i] = page_alloc();
        pages[i][0] = 1 + i;
        lend(i);
        lend(GRANTS + i);
    }
    for (u32 i = 0; i < NEEDS_VCPUS; i++) {
        scratch[i] = page_alloc();
        places[i] = SCRATCH_VA + i * PAGE_SIZE;
        map(places[i], ptr_mfn(scratch[i]), PTE_RO_PAGE);
        CHECK_RC(update_va_mapping(places[i], 0, UVMF_INVLPG), 0);
    }
    for (u32 i = 1; i < NEEDS_VCPUS; i++)
        CHECK_RC(smp_start(i, race, i), 0);
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < NEEDS_VCPUS - 1) {
        for (u64 i = 0; i < GRANTS; i++)
            if (grant_end(REF + (u32)i))
                lend(i);
        map_once(0, 0);
        yield();
    }
    CHECK_EQ(wrong, 0);
    for (u64 i = 0; i < GRANTS; i++) {
        CHECK(grant_end(REF + (u32)i));
        CHECK(grant_end(REF + GRANTS + (u32)i));
        memset(pages[i], 0, PAGE_SIZE);
        page_readonly(pages[i]);
        CHECK_RC(mmuext_one(MMUEXT_PIN_L1_TABLE, ptr_mfn(pages[i])), 0);
    }
}
