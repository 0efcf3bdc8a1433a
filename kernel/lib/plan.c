/*
 * The plan of a domain: the ranges, and all checks. See plan.h for the picture.
 *
 * Sizes are checked before they are added: kernel and ramdisk against the domain's memory, that against
 * what a frame number can be. From there on no sum of pages can overflow; addresses are checked separately,
 * since VIRT_BASE plus a small number may still wrap.
 */
#include "lib/plan.h"
#include "abi/version.h"
#include "lib/string.h"

#define REMEDY_MEM  "give the domain more memory with mem="
#define REMEDY_NOTE "correct the note where the guest's image is built"

/* Between these two lie the addresses that aren't canonical, and then the hypervisor's. */
#define LOWER_HALF_END  0x0000800000000000UL
#define HYPERVISOR_END  0xffff880000000000UL
#define PLAN_PAGES_MAX  BIT(40) /* machine addresses have 52 bits */
#define PADDING_MIN     KIB(512)
#define MAPPED_MULTIPLE MIB(4)

static u64 pages_for(u64 bytes)
{
    return bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
}

static u64 range_end(struct plan_range range)
{
    return range.pfn + range.pages;
}

/* Puts a range of so many pages at *next, and *next behind it. */
static struct plan_range place(u64 *next, u64 pages)
{
    struct plan_range range = { *next, pages };

    *next += pages;
    return range;
}

/* ---- addresses ---- */

/* True if `pages` from va on lie wholly in one of the two parts of the address space that are the guest's. */
static bool is_guest_range(u64 va, u64 pages)
{
    u64 last;

    if (__builtin_add_overflow(va, pages * PAGE_SIZE - 1, &last))
        return false;
    return last < LOWER_HALF_END || va >= HYPERVISOR_END;
}

/* The tables that map so many pages from va on: at each level from the one that holds va to the one at the end. */
static void count_tables(struct plan_mapping *mapping, u64 va, u64 pages)
{
    u64 last = va + pages * PAGE_SIZE - 1;

    mapping->va = va;
    mapping->pages = pages;
    for (unsigned level = 1; level <= 3; level++) {
        unsigned shift = PAGE_SHIFT + 9 * level; /* a table of that level spans 1 << shift bytes */

        mapping->tables[level] = (last >> shift) - (va >> shift) + 1;
    }
}

static u64 tables_in(const struct plan_mapping *mapping)
{
    return mapping->tables[1] + mapping->tables[2] + mapping->tables[3];
}

/* Lays the tables of all levels one behind the other, upper levels first. */
static void place_tables(struct plan_mapping *mapping, u64 pfn)
{
    for (unsigned level = 3; level >= 1; level--) {
        mapping->table_pfn[level] = pfn;
        pfn += mapping->tables[level];
    }
}

/* ---- the ranges ---- */

/* Pages from VIRT_BASE to the end of the padding, when so much of it is used. False if that wraps around. */
static bool padded_end(u64 virt_base, u64 used_pages, u64 *mapped)
{
    u64 end;

    if (__builtin_add_overflow(virt_base,
                               used_pages * PAGE_SIZE + PADDING_MIN + MAPPED_MULTIPLE - 1, &end))
        return false;
    *mapped = (ROUND_DOWN(end, MAPPED_MULTIPLE) - virt_base) / PAGE_SIZE;
    return true;
}

/*
 * The main mapping's tables lie inside of what they map, so their number depends on itself: begin with one
 * and take what is needed until it is enough. `before`: the pages in front of the tables.
 */
static bool plan_main_mapping(struct plan *plan, u64 before, struct problem *problem)
{
    struct plan_mapping *mapping = &plan->mappings[PLAN_MAIN];
    u64 tables = 1, needed = 1;

    do {
        tables = needed;
        if (!padded_end(plan->virt_base, before + tables + 1, &plan->mapped) ||
            !is_guest_range(plan->virt_base, plan->mapped))
            return problem_value(
                problem, "Xen note VIRT_BASE", plan->virt_base,
                "the initial mapping from there on meets the hypervisor's addresses"
                " (0xffff800000000000 to 0xffff87ffffffffff) or a non-canonical one",
                REMEDY_NOTE);
        count_tables(mapping, plan->virt_base, plan->mapped);
        needed = 1 + tables_in(mapping);
    } while (needed > tables);

    u64 next = before;
    plan->tables = place(&next, tables);
    plan->stack = place(&next, 1);
    place_tables(mapping, plan->tables.pfn + 1);
    return true;
}

static u64 l4_slot(u64 va)
{
    return va >> 39;
}

/* The p2m list and its tables, last of all, for an image that wants the list at an address of its own. */
static bool plan_separate_p2m(struct plan *plan, const struct xen_image *image, u64 *next,
                              struct problem *problem)
{
    struct plan_mapping *mapping = &plan->mappings[PLAN_P2M];
    u64 main_last = plan->virt_base + plan->mapped * PAGE_SIZE - 1, last;

    plan->p2m = place(next, pages_for(plan->pages * sizeof(u64)));
    if (!is_guest_range(image->init_p2m, plan->p2m.pages))
        return problem_value(problem, "Xen note INIT_P2M", image->init_p2m,
                             "the list from there on meets the hypervisor's addresses"
                             " (0xffff800000000000 to 0xffff87ffffffffff) or a non-canonical one",
                             REMEDY_NOTE);
    last = image->init_p2m + plan->p2m.pages * PAGE_SIZE - 1;
    /* So that the two mappings share no table but the L4. */
    if (l4_slot(image->init_p2m) <= l4_slot(main_last) && l4_slot(last) >= l4_slot(plan->virt_base))
        return problem_value(problem, "Xen note INIT_P2M", image->init_p2m,
                             "the list comes into the same 512 GiB as the initial mapping",
                             REMEDY_NOTE);
    count_tables(mapping, image->init_p2m, plan->p2m.pages);
    mapping->pfn = plan->p2m.pfn;
    plan->p2m_tables = place(next, tables_in(mapping));
    place_tables(mapping, plan->p2m_tables.pfn);
    plan->p2m_va = image->init_p2m;
    return true;
}

static bool plan_ranges(struct plan *plan, const struct plan_input *input, struct problem *problem)
{
    const struct xen_image *image = input->image;
    bool own_p2m = xen_image_has(image, XEN_ELFNOTE_INIT_P2M);
    u64 ramdisk_pages = pages_for(input->ramdisk_size), next = 0;

    plan->kernel = place(&next, pages_for(image->virt_end - image->virt_base));
    if (!image->mod_start_pfn)
        plan->ramdisk = place(&next, ramdisk_pages);
    if (!own_p2m) {
        plan->p2m = place(&next, pages_for(plan->pages * sizeof(u64)));
        plan->p2m_va = plan->virt_base + plan->p2m.pfn * PAGE_SIZE;
    }
    plan->start_info = place(&next, 1);
    plan->xenstore = place(&next, 1);
    plan->console = place(&next, 1);
    if (!plan_main_mapping(plan, next, problem))
        return false;
    next = plan->mapped;
    if (image->mod_start_pfn)
        plan->ramdisk = place(&next, ramdisk_pages);
    if (own_p2m && !plan_separate_p2m(plan, image, &next, problem))
        return false;
    plan->end_pfn = next;
    return true;
}

/* ---- checks ---- */

/* Before any sum: each part alone must fit. */
static bool check_sizes(const struct plan_input *input, struct problem *problem)
{
    const struct xen_image *image = input->image;

    if (!input->pages || input->pages > PLAN_PAGES_MAX)
        return problem_value(problem, "mem, in pages", input->pages,
                             "no domain can have that much memory", "correct mem=");
    if (image->virt_end - image->virt_base > input->pages * PAGE_SIZE)
        return problem_size(problem, "size of the image from VIRT_BASE on",
                            image->virt_end - image->virt_base,
                            "the domain's memory is smaller than its kernel", REMEDY_MEM);
    if (input->ramdisk_size > input->pages * PAGE_SIZE)
        return problem_size(problem, "size of the ramdisk", input->ramdisk_size,
                            "the domain's memory is smaller than its ramdisk", REMEDY_MEM);
    return true;
}

static bool check_wishes(const struct plan_input *input, struct problem *problem)
{
    const struct xen_image *image = input->image;

    if (input->cmdline && strnlen(input->cmdline, MAX_GUEST_CMDLINE) == MAX_GUEST_CMDLINE)
        return problem_plain(problem, "the guest's command line",
                             "it is longer than the 1023 bytes that start_info has for it",
                             "shorten it");
    if (input->initial && xen_image_has(image, XEN_ELFNOTE_SUPPORTED_FEATURES) &&
        !(image->features_supported & BIT(XENFEAT_dom0)))
        return problem_value(problem, "Xen note SUPPORTED_FEATURES", image->features_supported,
                             "the image says that it can't be the initial domain (bit 11)",
                             "start it unprivileged");
    return true;
}

static void plan_fields(struct plan *plan, const struct plan_input *input)
{
    const struct xen_image *image = input->image;

    plan->entry = image->entry;
    plan->start_info_va = plan->virt_base + plan->start_info.pfn * PAGE_SIZE;
    plan->l4_va = plan->virt_base + plan->tables.pfn * PAGE_SIZE;
    plan->stack_top = plan->virt_base + range_end(plan->stack) * PAGE_SIZE;
    plan->has_hypercall_page = xen_image_has(image, XEN_ELFNOTE_HYPERCALL_PAGE);
    if (plan->has_hypercall_page)
        plan->hypercall_pfn = (image->hypercall_page - image->virt_base) / PAGE_SIZE;
    plan->cmdline = input->cmdline ? input->cmdline : "";
    plan->flags = SIF_VIRT_P2M_4TOOLS;
    plan->flags |= input->privileged ? SIF_PRIVILEGED : 0;
    plan->flags |= input->initial ? SIF_INITDOMAIN : 0;
    if (!input->ramdisk_size)
        return;
    plan->mod_len = input->ramdisk_size;
    plan->mod_start = plan->virt_base + plan->ramdisk.pfn * PAGE_SIZE;
    if (image->mod_start_pfn) {
        plan->mod_start = plan->ramdisk.pfn;
        plan->flags |= SIF_MOD_START_PFN;
    }
}

bool plan_make(struct plan *plan, const struct plan_input *input, struct problem *problem)
{
    *plan = (struct plan){ .pages = input->pages, .virt_base = input->image->virt_base };
    if (!check_sizes(input, problem) || !check_wishes(input, problem) ||
        !plan_ranges(plan, input, problem))
        return false;
    if (plan->end_pfn > plan->pages)
        return problem_size(problem, "memory needed at start", plan->end_pfn * PAGE_SIZE,
                            "kernel, ramdisk, page tables and padding don't fit into the domain",
                            REMEDY_MEM);
    plan_fields(plan, input);
    return true;
}
