/*
 * A guest without a will: it stops at obey(), finds an order there, carries it out and notes the answer. The grader (../orders.py)
 * writes each order into the machine's memory while the machine stands, knows by rules of its own what must come of it, and looks
 * at the frame table afterwards. Nothing in here decides anything, so there is nothing in here that a kernel could forge with profit.
 */
#include "grader.h"

#include "trap.h"

#define POOL   48
#define WINDOW 64

enum order_kind { END, ENTRY, EXTENDED, MAPPING, GIVE, TAKE, STORE, DESCRIPTORS };

volatile struct orders {
    u64 nonce, window; /* machine address of the entry that maps SCRATCH_VA */
    u64 kind, a, b, c; /* the order */
    s64 answer;
    u64 out;
    u64 pfn[POOL], mfn[POOL];
} orders;

NOINLINE void obey(void);
NOINLINE void obey(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* or nothing would be left to stop at */
}

static s64 reservation(u32 command, u64 extent)
{
    u64 list = extent;
    struct xen_memory_reservation r = { .extent_start = (u64)&list,
                                        .nr_extents = 1,
                                        .domid = DOMID_SELF };
    s64 done = memory_op(command, &r);

    orders.out = list;
    return done == 1 ? 0 : -1;
}

static s64 descriptors(u64 mfn)
{
    return mfn ? set_gdt(&mfn, 8) : set_gdt(NULL, 0);
}

static s64 carry_out(u64 a, u64 b, u64 c)
{
    switch (orders.kind) {
    case ENTRY:
        return mmu_update_one(a, b);
    case EXTENDED:
        return mmuext_one((u32)a, b);
    case MAPPING:
        return update_va_mapping(a, b, c);
    case GIVE:
        return reservation(XENMEM_decrease_reservation, a);
    case TAKE:
        return reservation(XENMEM_populate_physmap, a);
    case STORE:
        return probe_write64(a, b) ? -1 : 0;
    case DESCRIPTORS:
        return descriptors(a);
    default:
        guest_panic("no such order: %lu", (unsigned long)orders.kind);
    }
}

int main(void)
{
    u64 page = pfn_alloc();

    for (u32 i = 0; i < POOL; i++) {
        orders.pfn[i] = pfn_alloc();
        orders.mfn[i] = pfn_mfn(orders.pfn[i]);
    }
    map(SCRATCH_VA, pfn_mfn(page), PTE_RO_PAGE);
    if (update_va_mapping(SCRATCH_VA, 0, UVMF_INVLPG) != 0)
        guest_panic("the window could not be emptied");
    orders.window = ptr_maddr(pte_of(SCRATCH_VA, 1));
    orders.nonce = hex_word("nonce");
    for (obey(); orders.kind != END; obey())
        orders.answer = carry_out(orders.a, orders.b, orders.c);
    return 0;
}

GRADER_GUEST
