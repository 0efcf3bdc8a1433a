/*
 * What stands in a domain's memory and registers at its start, by its plan: page tables, start_info, registers.
 *
 * One rule covers page tables of every level. An entry of a level-l table spans a unit of 1 << (12 + 9 (l - 1))
 * bytes. Number the units by address: the j-th table of a mapping holds 512 of them in a row, and the units
 * between the mapping's first and last are present, each leading to the next page, or the next table of the
 * level below.
 */
#include "lib/plan.h"
#include "lib/string.h"

/* Bits of a page-table entry: Intel SDM volume 3, 4.5. Bit 52 is Xen's mark of a guest-kernel page. */
#define PTE_P            BIT(0)
#define PTE_RW           BIT(1)
#define PTE_U            BIT(2)
#define PTE_A            BIT(5)
#define PTE_D            BIT(6)
#define PTE_GUEST_KERNEL BIT(52)

/* As the validation of the tables leaves them, so that a builder sees no difference afterwards. */
#define FLAGS_PAGE  (PTE_P | PTE_RW | PTE_U | PTE_A | PTE_GUEST_KERNEL)
#define FLAGS_TABLE (PTE_P | PTE_RW | PTE_U | PTE_A | PTE_D)

#define RFLAGS_INTERRUPTS (BIT(9) | BIT(1)) /* bit 1 is always set */

static bool in_range(struct plan_range range, u64 pfn)
{
    return pfn - range.pfn < range.pages;
}

bool plan_is_table(const struct plan *plan, u64 pfn)
{
    return in_range(plan->tables, pfn) || in_range(plan->p2m_tables, pfn);
}

u64 plan_table_count(const struct plan *plan)
{
    return plan->tables.pages + plan->p2m_tables.pages;
}

struct plan_table plan_table_at(const struct plan *plan, u64 k)
{
    unsigned which = k < plan->tables.pages ? PLAN_MAIN : PLAN_P2M;
    struct plan_table table = { .level = 3, .mapping = &plan->mappings[which] };

    if (k == 0)
        return (struct plan_table){ .pfn = plan->tables.pfn, .level = 4 };
    table.index = which == PLAN_MAIN ? k - 1 : k - plan->tables.pages;
    while (table.level > 1 && table.index >= table.mapping->tables[table.level])
        table.index -= table.mapping->tables[table.level--];
    table.pfn = table.mapping->table_pfn[table.level] + table.index;
    return table;
}

/* Entry i of a mapping's table of that level and index. */
static struct plan_entry entry_of(const struct plan *plan, const struct plan_mapping *mapping,
                                  unsigned level, u64 index, unsigned i)
{
    unsigned shift = PAGE_SHIFT + 9 * (level - 1);
    u64 first = mapping->va >> shift;
    u64 last = (mapping->va + mapping->pages * PAGE_SIZE - 1) >> shift;
    u64 unit = ((first >> 9) + index) << 9 | i;

    if (!mapping->pages || unit < first || unit > last)
        return (struct plan_entry){ .present = false };
    if (level > 1)
        return (struct plan_entry){ true, mapping->table_pfn[level - 1] + unit - first,
                                    FLAGS_TABLE };

    u64 pfn = mapping->pfn + unit - first;
    return (struct plan_entry){ true, pfn,
                                plan_is_table(plan, pfn) ? FLAGS_PAGE & ~PTE_RW : FLAGS_PAGE };
}

struct plan_entry plan_entry_at(const struct plan *plan, const struct plan_table *table, unsigned i)
{
    if (table->mapping)
        return entry_of(plan, table->mapping, table->level, table->index, i);

    struct plan_entry entry = entry_of(plan, &plan->mappings[PLAN_MAIN], 4, 0, i);
    if (!entry.present)
        entry = entry_of(plan, &plan->mappings[PLAN_P2M], 4, 0, i);
    return entry;
}

void plan_start_info(const struct plan *plan, const struct plan_frames *frames,
                     struct start_info *out)
{
    *out = (struct start_info){
        .magic = "xen-3.0-x86_64",
        .nr_pages = plan->pages,
        .shared_info = frames->shared_info,
        .flags = plan->flags,
        .store_mfn = frames->xenstore_mfn,
        .store_evtchn = frames->xenstore_evtchn,
        .console.domU = { .mfn = frames->console_mfn, .evtchn = frames->console_evtchn },
        .pt_base = plan->l4_va,
        .nr_pt_frames = plan->tables.pages,
        .mfn_list = plan->p2m_va,
        .mod_start = plan->mod_start,
        .mod_len = plan->mod_len,
    };
    strlcpy((char *)out->cmd_line, plan->cmdline, sizeof(out->cmd_line));
    if (plan->p2m_tables.pages) {
        out->first_p2m_pfn = plan->p2m.pfn;
        out->nr_p2m_frames = plan->p2m.pages + plan->p2m_tables.pages;
    }
}

struct plan_registers plan_registers(const struct plan *plan)
{
    return (struct plan_registers){
        .rip = plan->entry,
        .rsp = plan->stack_top,
        .rsi = plan->start_info_va,
        .rflags = RFLAGS_INTERRUPTS,
        .cs = FLAT_KERNEL_CS,
        .ss = FLAT_KERNEL_SS,
    };
}
