/*
 * The vCPUs of one domain race on the same page tables, ports and grants: all of them do everything to the same few objects, at random, and the
 * recount of the frame table after the domain's end must be clean.
 *
 * Single answers mean nothing here, as another vCPU may just have been there; only -EFAULT and the like would be wrong. In the end what all have
 * raced for is put in order, and is of use again. Longer and otherwise with `rounds=HEX` and `seed=HEX` on the command line (make soak-vcpus).
 */
#define NEEDS_VCPUS 4
#include "event.h"
#include "grant.h"
#include "smp.h"
#include "test.h"

#define TABLES 3
#define REFS   3
#define REF    8
#define ROUNDS 1500 /* unless the command line says another number */
#define PLACES 8

static u64 tables[TABLES], l2, data[REFS];
static domid_t self;
static u32 done, wrong;
static u64 rounds = ROUNDS, first_seed;

static u32 next(u64 *seed)
{
    *seed = *seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(*seed >> 33);
}

static void expect(s64 rc)
{
    if (rc == -XEN_EFAULT || rc == -XEN_ENOSYS || rc == -XEN_ENOMEM)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

/* Pins, unpins and entries of tables, some of which refer to each other. */
static void race_tables(u64 *seed)
{
    u64 table = tables[next(seed) % TABLES], slot = next(seed) % PLACES * 8;

    switch (next(seed) % 6) {
    case 0:
        expect(mmuext_one(MMUEXT_PIN_L1_TABLE, table));
        break;
    case 1:
        expect(mmuext_one(MMUEXT_UNPIN_TABLE, table));
        break;
    case 2:
        expect(mmuext_one(MMUEXT_PIN_L2_TABLE, l2));
        break;
    case 3:
        expect(mmuext_one(MMUEXT_UNPIN_TABLE, l2));
        break;
    case 4:
        expect(mmu_update_one(l2 << PAGE_SHIFT | slot,
                              next(seed) % 2 ? table << PAGE_SHIFT | PTE_TABLE : 0));
        break;
    default:
        expect(mmu_update_one(table << PAGE_SHIFT | slot,
                              next(seed) % 2 ? data[next(seed) % REFS] << PAGE_SHIFT | PTE_RW_PAGE
                                             : 0));
        break;
    }
}

static void race_ports(u64 *seed)
{
    u32 port = 1 + next(seed) % 12;

    switch (next(seed) % 6) {
    case 0:
        expect(event_alloc_unbound(DOMID_SELF));
        break;
    case 1:
        expect(event_bind_interdomain(DOMID_SELF, port));
        break;
    case 2:
        expect(event_bind_ipi(next(seed) % NEEDS_VCPUS));
        break;
    case 3:
        expect(event_bind_vcpu(port, next(seed) % NEEDS_VCPUS));
        break;
    case 4:
        expect(event_close(port));
        break;
    default:
        expect(event_send(port));
        break;
    }
}

static void race_grants(u64 *seed)
{
    u32 i = next(seed) % REFS, place = next(seed) % PLACES;
    struct grant_side from = { true, self, REF + i, 0 };
    struct grant_side to = { false, DOMID_SELF, data[next(seed) % REFS], 0 };

    switch (next(seed) % 5) {
    case 0:
        grant_write(REF + i, GTF_permit_access, self, (u32)data[i]);
        break;
    case 1:
        grant_end(REF + i);
        break;
    case 2:
        expect(grant_copy(&to, &from, 64));
        break;
    case 3: {
        grant_handle_t handle;
        expect(
            grant_map_at(SCRATCH_VA + place * PAGE_SIZE, self, REF + i, GNTMAP_host_map, &handle));
        break;
    }
    default:
        expect(grant_unmap_at(SCRATCH_VA + place * PAGE_SIZE, next(seed) % 64));
        break;
    }
}

static void race(u64 vcpu)
{
    u64 seed = first_seed + vcpu * 7919 + 1;

    for (u64 i = 0; i < rounds; i++) {
        race_tables(&seed);
        race_ports(&seed);
        race_grants(&seed);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

TEST
{
    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs %d vCPUs", NEEDS_VCPUS);
    rounds = cmdline_hex("rounds", ROUNDS);
    first_seed = cmdline_hex("seed", 0);
    self = grant_own_domid();
    grant_table(1);
    for (u32 i = 0; i < TABLES; i++)
        tables[i] = ptr_mfn(table_alloc());
    l2 = ptr_mfn(table_alloc());
    for (u32 i = 0; i < REFS; i++)
        data[i] = ptr_mfn(page_alloc());
    for (u32 i = 0; i < PLACES; i++) {
        map(SCRATCH_VA + i * PAGE_SIZE, data[0], PTE_RO_PAGE);
        CHECK_RC(update_va_mapping(SCRATCH_VA + i * PAGE_SIZE, 0, UVMF_INVLPG), 0);
    }
    for (u32 i = 1; i < NEEDS_VCPUS; i++)
        CHECK_RC(smp_start(i, race, i), 0);
    race(0);
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < NEEDS_VCPUS)
        yield();
    CHECK_EQ(wrong, 0);

    for (u32 i = 0; i < TABLES; i++)
        mmuext_one(MMUEXT_UNPIN_TABLE, tables[i]);
    mmuext_one(MMUEXT_UNPIN_TABLE, l2);
    CHECK_RC(mmuext_one(MMUEXT_PIN_L2_TABLE, l2), 0);
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, l2), 0);
    CHECK_RC(event_reset(DOMID_SELF), 0);
    CHECK_RC(event_bind_ipi(0), 1);
}
