/* The small tree: see mm_tree.h. */
#include "mm_tree.h"

mfn_t l4, l3, l2, l1, data[20];
struct domain_memory *m;

void set_up(void)
{
    mfn_t page[24];

    machine_start(1);
    m = machine_new_domain(1, false, 24, 24, page);
    l4 = page[0], l3 = page[1], l2 = page[2], l1 = page[3];
    for (u32 i = 0; i < 20; i++)
        data[i] = page[4 + i];
    machine_poke(l4, 0, entry(l3, P | RW));
    machine_poke(l3, 0, entry(l2, P | RW));
    machine_poke(l2, 0, entry(l1, P | RW));
}

s64 update(mfn_t table, u32 slot, u64 value)
{
    struct machine_domain *d = &machine_domain[1];

    ck_assert(memory_enter(&d->m));
    s64 error = update_entry(&d->m, &d->m, table.n << 12 | slot << 3, value, false, &d->results[0]);
    memory_leave(&d->m);
    machine_audit();
    return error;
}

s64 pin(mfn_t mfn, enum frame_type type)
{
    s64 error = machine_hold(1, mfn, type);

    machine_audit();
    return error;
}
