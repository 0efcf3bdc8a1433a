/* What the host fuzzers share. See fuzz.h. */
#include "fuzz.h"

void fuzz_touch(const void *bytes, size_t size)
{
    const volatile u8 *b = bytes;

    for (size_t i = 0; i < size; i++)
        (void)b[i];
}

/* All ranges lie in the domain's memory; no two overlap. */
static void check_ranges(const struct plan *plan)
{
    const struct plan_range *const ranges[] = {
        &plan->kernel,  &plan->ramdisk, &plan->p2m,   &plan->start_info, &plan->xenstore,
        &plan->console, &plan->tables,  &plan->stack, &plan->p2m_tables
    };

    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        const struct plan_range *a = ranges[i];

        FUZZ_REQUIRE(a->pages <= plan->pages && a->pfn <= plan->pages - a->pages);
        for (size_t j = 0; j < i; j++) {
            const struct plan_range *b = ranges[j];

            FUZZ_REQUIRE(a->pfn >= b->pfn + b->pages || b->pfn >= a->pfn + a->pages || !a->pages ||
                         !b->pages);
        }
    }
}

static void check_entry(const struct plan *plan, const struct plan_table *table, unsigned i)
{
    enum { HYPERVISOR_FIRST = 256, HYPERVISOR_LAST = 271, RW = 2 };
    struct plan_entry entry = plan_entry_at(plan, table, i);

    if (!entry.present)
        return;
    FUZZ_REQUIRE(entry.pfn < plan->pages);
    FUZZ_REQUIRE(table->level > 1 || !plan_is_table(plan, entry.pfn) || !(entry.flags & RW));
    FUZZ_REQUIRE(table->level == 1 || plan_is_table(plan, entry.pfn));
    FUZZ_REQUIRE(table->level < 4 || i < HYPERVISOR_FIRST || i > HYPERVISOR_LAST);
}

void fuzz_check_plan(const struct plan *plan)
{
    u64 count = plan_table_count(plan), step = count / 8 + 1;

    check_ranges(plan);
    FUZZ_REQUIRE(plan->mapped <= plan->pages && plan->end_pfn <= plan->pages);
    FUZZ_REQUIRE(plan->stack.pfn < plan->mapped);
    FUZZ_REQUIRE(!plan->has_hypercall_page || plan->hypercall_pfn < plan->kernel.pages);
    for (u64 k = 0; k < count; k += step) {
        struct plan_table table = plan_table_at(plan, k);

        FUZZ_REQUIRE(plan_is_table(plan, table.pfn));
        FUZZ_REQUIRE(table.level >= 1 && table.level <= 4);
        for (unsigned i = 0; i < 512; i++)
            check_entry(plan, &table, i);
    }
}
