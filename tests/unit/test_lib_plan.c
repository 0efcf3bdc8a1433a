/*
 * lib/plan.c and plan_contents.c. The page tables that a plan describes are walked as the CPU would walk them,
 * by code that knows nothing of how the plan made them; the ranges are compared with figures worked out by
 * hand from the ABI's rules (the arithmetic stands beside them).
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "lib/hypercall_page.h"
#include "lib/plan.h"

#define LINUX_BASE 0xffffffff80000000UL
#define LINUX_P2M  0x8000000000UL

enum { P = 1, RW = 2, U = 4, A = 0x20, D = 0x40 };
#define KERNEL_BIT (1UL << 52)

static struct xen_image linux_image(void)
{
    return (struct xen_image){
        .present = BIT(XEN_ELFNOTE_INIT_P2M) | BIT(XEN_ELFNOTE_MOD_START_PFN) |
                   BIT(XEN_ELFNOTE_SUPPORTED_FEATURES),
        .virt_base = LINUX_BASE,
        .virt_start = LINUX_BASE + 0x1000000,
        .virt_end = LINUX_BASE + 0x3e00000,
        .entry = LINUX_BASE + 0x304e1c0,
        .init_p2m = LINUX_P2M,
        .mod_start_pfn = true,
        .features_supported = 0x8811,
    };
}

static struct xen_image minios_image(void)
{
    return (struct xen_image){ .present = BIT(XEN_ELFNOTE_HYPERCALL_PAGE),
                               .virt_end = 0x4f123,
                               .entry = 0x10,
                               .hypercall_page = 0x2000 };
}

/* ---- walking ---- */

struct leaf {
    bool present, writable;
    u64 pfn, flags;
};

/* Frame numbers lead to tables by searching: slow, but it trusts nothing. */
static bool find_table(const struct plan *plan, u64 pfn, unsigned level, struct plan_table *out)
{
    for (u64 k = 0; k < plan_table_count(plan); k++) {
        *out = plan_table_at(plan, k);
        if (out->pfn == pfn) {
            ck_assert_uint_eq(out->level, level);
            return true;
        }
    }
    return false;
}

static struct leaf walk(const struct plan *plan, u64 va)
{
    u64 pfn = plan->tables.pfn;

    for (unsigned level = 4;; level--) {
        struct plan_table table;

        ck_assert(find_table(plan, pfn, level, &table));
        struct plan_entry entry = plan_entry_at(plan, &table, va >> (3 + 9 * level) & 511);
        if (!entry.present)
            return (struct leaf){ .present = false };
        if (level == 1)
            return (struct leaf){ true, entry.flags & RW, entry.pfn, entry.flags };
        ck_assert_uint_eq(entry.flags, P | RW | U | A | D);
        pfn = entry.pfn;
    }
}

static void check_page(const struct plan *plan, u64 va, u64 pfn)
{
    struct leaf leaf = walk(plan, va);
    bool table =
        (pfn >= plan->tables.pfn && pfn < plan->tables.pfn + plan->tables.pages) ||
        (pfn >= plan->p2m_tables.pfn && pfn < plan->p2m_tables.pfn + plan->p2m_tables.pages);

    ck_assert_msg(leaf.present, "%lx is not mapped", va);
    ck_assert_uint_eq(leaf.pfn, pfn);
    ck_assert_uint_eq(leaf.flags, P | (table ? 0 : RW) | U | A | KERNEL_BIT);
}

/* All entries of all tables: every table but the L4 is reached once, and no page beyond those expected. */
static void count_entries(const struct plan *plan, u64 leaves_expected)
{
    u64 count = plan_table_count(plan), leaves = 0, links = 0;

    for (u64 k = 0; k < count; k++) {
        struct plan_table table = plan_table_at(plan, k);

        ck_assert(plan_is_table(plan, table.pfn));
        for (unsigned i = 0; i < 512; i++) {
            struct plan_entry entry = plan_entry_at(plan, &table, i);

            if (!entry.present)
                continue;
            ck_assert_uint_lt(entry.pfn, plan->end_pfn);
            leaves += table.level == 1;
            links += table.level > 1;
            if (table.level > 1)
                ck_assert(plan_is_table(plan, entry.pfn));
        }
    }
    ck_assert_uint_eq(links, count - 1);
    ck_assert_uint_eq(leaves, leaves_expected);
}

static void check_tables(const struct plan *plan)
{
    u64 step = plan->mapped > 4096 ? 61 : 1; /* the big ones by sample */
    bool separate = plan->p2m_tables.pages;

    for (u64 pfn = 0; pfn < plan->mapped; pfn += step)
        check_page(plan, plan->virt_base + pfn * PAGE_SIZE, pfn);
    for (u64 i = 0; i < plan->tables.pages; i++)
        check_page(plan, plan->l4_va + i * PAGE_SIZE, plan->tables.pfn + i);
    for (u64 i = 0; i < plan->p2m.pages; i++)
        check_page(plan, plan->p2m_va + i * PAGE_SIZE, plan->p2m.pfn + i);
    ck_assert(!walk(plan, plan->virt_base - PAGE_SIZE).present);
    ck_assert(!walk(plan, plan->virt_base + plan->mapped * PAGE_SIZE).present);
    if (separate) {
        ck_assert(!walk(plan, plan->p2m_va - PAGE_SIZE).present);
        ck_assert(!walk(plan, plan->p2m_va + plan->p2m.pages * PAGE_SIZE).present);
    }
    count_entries(plan, plan->mapped + (separate ? plan->p2m.pages : 0));
}

/* The ranges in the order given, gaps allowed, none overlapping, all below end_pfn. */
static void check_order(const struct plan *plan, const struct plan_range *const *ranges, size_t n)
{
    u64 next = 0;

    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_ge(ranges[i]->pfn, next);
        next = ranges[i]->pfn + ranges[i]->pages;
    }
    ck_assert_uint_le(next, plan->end_pfn);
    ck_assert_uint_le(plan->end_pfn, plan->pages);
}

static void make(struct plan *plan, const struct plan_input *input)
{
    struct problem problem = { .place = "", .message = "", .remedy = "" };
    char line[256];

    bool good = plan_make(plan, input, &problem);
    problem_format(&problem, line, sizeof(line));
    ck_assert_msg(good, "%s", line);
}

static void refuse(const struct plan_input *input, const char *place)
{
    struct problem problem;
    struct plan plan;

    ck_assert_msg(!plan_make(&plan, input, &problem), "not refused: %s", place);
    ck_assert_str_eq(problem.place, place);
}

/* ---- whole plans ---- */

START_TEST(test_minios)
{
    struct xen_image image = minios_image();
    struct plan_input input = { .image = &image, .pages = 8192, .cmdline = "a=b" };
    struct plan plan;

    make(&plan, &input);
    /* kernel 0x4f123 bytes: 80 pages. p2m: 8192 * 8 / 4096 = 16 pages, at 80. */
    ck_assert_uint_eq(plan.kernel.pages, 80);
    ck_assert_uint_eq(plan.p2m.pfn, 80);
    ck_assert_uint_eq(plan.p2m.pages, 16);
    ck_assert_uint_eq(plan.p2m_va, 80 * 4096);
    ck_assert_uint_eq(plan.start_info.pfn, 96);
    ck_assert_uint_eq(plan.xenstore.pfn, 97);
    ck_assert_uint_eq(plan.console.pfn, 98);
    /* 4 MiB are mapped: two L1s, one table of each level above. Stack at 104, its end at 105. */
    ck_assert_uint_eq(plan.tables.pfn, 99);
    ck_assert_uint_eq(plan.tables.pages, 5);
    ck_assert_uint_eq(plan.stack.pfn, 104);
    ck_assert_uint_eq(plan.stack_top, 105 * 4096);
    ck_assert_uint_eq(plan.mapped, 1024);
    ck_assert_uint_eq(plan.end_pfn, 1024);
    ck_assert_uint_eq(plan.p2m_tables.pages, 0);
    ck_assert(plan.has_hypercall_page);
    ck_assert_uint_eq(plan.hypercall_pfn, 2);
    ck_assert_uint_eq(plan.flags, 16);
    ck_assert_uint_eq(plan.mod_start, 0);
    check_tables(&plan);
}
END_TEST

START_TEST(test_linux)
{
    struct xen_image image = linux_image();
    struct plan_input input = { .image = &image,
                                .pages = 65536,
                                .ramdisk_size = 5 * 1024 * 1024 + 1 };
    struct plan plan;

    make(&plan, &input);
    ck_assert_uint_eq(plan.kernel.pages, 0x3e00);
    ck_assert_uint_eq(plan.start_info.pfn, 0x3e00);
    ck_assert_uint_eq(plan.tables.pfn, 0x3e03);
    /* 64 MiB mapped: 32 L1s + L2 + L3 + L4. 0x3e03 + 35 + 1 + 128 pages are less than 0x4000. */
    ck_assert_uint_eq(plan.tables.pages, 35);
    ck_assert_uint_eq(plan.stack.pfn, 0x3e26);
    ck_assert_uint_eq(plan.mapped, 0x4000);
    /* Unmapped behind: the ramdisk (1281 pages), the list (65536 * 8 bytes: 128 pages), L3 + L2 + L1. */
    ck_assert_uint_eq(plan.ramdisk.pfn, 0x4000);
    ck_assert_uint_eq(plan.ramdisk.pages, 1281);
    ck_assert_uint_eq(plan.p2m.pfn, 0x4000 + 1281);
    ck_assert_uint_eq(plan.p2m.pages, 128);
    ck_assert_uint_eq(plan.p2m_tables.pfn, 0x4000 + 1281 + 128);
    ck_assert_uint_eq(plan.p2m_tables.pages, 3);
    ck_assert_uint_eq(plan.end_pfn, 0x4000 + 1281 + 131);
    ck_assert_uint_eq(plan.p2m_va, LINUX_P2M);
    ck_assert_uint_eq(plan.flags, 16 + 8);
    ck_assert_uint_eq(plan.mod_start, 0x4000);
    ck_assert_uint_eq(plan.mod_len, 5 * 1024 * 1024 + 1);
    ck_assert(!plan.has_hypercall_page);
    check_tables(&plan);
}
END_TEST

/* 16 GiB: the list has 8192 pages and its mapping 16 L1s; and a list that begins in the middle of an L1. */
START_TEST(test_large_p2m)
{
    struct xen_image image = linux_image();
    struct plan_input input = { .image = &image, .pages = 16 << 18 };
    struct plan plan;

    make(&plan, &input);
    ck_assert_uint_eq(plan.p2m.pages, 8192);
    ck_assert_uint_eq(plan.p2m_tables.pages, 16 + 1 + 1);
    ck_assert_uint_eq(plan.flags, 16);

    image.init_p2m = LINUX_P2M + 0x3ff00000; /* crosses into another L2, and begins in mid-L1 */
    make(&plan, &input);
    ck_assert_uint_eq(plan.p2m_tables.pages, 17 + 2 + 1);
    image.init_p2m = LINUX_P2M - 0x100000; /* crosses an L4 slot: two of each level above */
    image.virt_base = LINUX_BASE;
    make(&plan, &input);
    ck_assert_uint_eq(plan.p2m_tables.pages, 17 + 2 + 2);
    input.pages = 65536;
    image.init_p2m = LINUX_P2M - 0x10000;
    make(&plan, &input);
    check_tables(&plan);
}
END_TEST

/* NetBSD-like: high base, mapped ramdisk, the list in line. */
START_TEST(test_mapped_ramdisk)
{
    struct xen_image image = linux_image();
    struct plan_input input = { .image = &image, .pages = 32768, .ramdisk_size = 3 * 4096 };
    struct plan plan;

    image.present = 0;
    image.mod_start_pfn = false;
    make(&plan, &input);
    const struct plan_range *const order[] = { &plan.kernel,     &plan.ramdisk,  &plan.p2m,
                                               &plan.start_info, &plan.xenstore, &plan.console,
                                               &plan.tables,     &plan.stack };
    check_order(&plan, order, ARRAY_SIZE(order));
    ck_assert_uint_eq(plan.ramdisk.pfn, 0x3e00);
    ck_assert_uint_eq(plan.mod_start, LINUX_BASE + 0x3e00000);
    ck_assert_uint_eq(plan.flags, 16);
    ck_assert_uint_eq(plan.p2m.pfn, 0x3e03);
    check_tables(&plan);
}
END_TEST

/*
 * What real Xen 4.17 printed ("VIRTUAL MEMORY ARRANGEMENT") when it started Debian's cloud kernel, and PV GRUB, as
 * its dom0 with a ramdisk of 5 MiB and a byte. Xen leaves out the xenstore and console pages there, so the
 * tables begin two pages earlier than ours; their number, and all else, must agree.
 */
START_TEST(test_as_xen_does)
{
    struct xen_image kernel = linux_image();
    struct xen_image grub = { .virt_end = 0x468ea8 };
    struct plan_input input = { .image = &kernel, .pages = 0xeb3d0 / 8, .ramdisk_size = 0x500001 };
    struct plan plan;

    make(&plan, &input);
    ck_assert_uint_eq(plan.start_info_va, 0xffffffff83e00000);
    ck_assert_uint_eq(plan.l4_va, 0xffffffff83e01000 + 0x2000);
    ck_assert_uint_eq(plan.tables.pages, 0x23);
    ck_assert_uint_eq(plan.stack_top, 0xffffffff83e25000 + 0x2000);
    ck_assert_uint_eq(plan.virt_base + plan.mapped * 4096, 0xffffffff84000000);
    ck_assert_uint_eq(plan.p2m_va, 0x8000000000);

    input.image = &grub;
    make(&plan, &input);
    ck_assert_uint_eq(plan.mod_start, 0x469000);
    ck_assert_uint_eq(plan.p2m_va, 0x96a000);
    ck_assert_uint_eq(plan.start_info_va, 0xa56000);
    ck_assert_uint_eq(plan.l4_va, 0xa57000 + 0x2000);
    ck_assert_uint_eq(plan.tables.pages, 9);
    ck_assert_uint_eq(plan.stack_top, 0xa61000 + 0x2000);
    ck_assert_uint_eq(plan.virt_base + plan.mapped * 4096, 0xc00000);
}
END_TEST

/* The rules for any base and size: padding, alignment, tables neither too few nor too many. */
START_TEST(test_many_shapes)
{
    static const u64 bases[] = { 0,
                                 0x1000,
                                 0x3ff000,
                                 0x3fe00000,
                                 0x7fffc00000,
                                 LINUX_BASE,
                                 0xffff880000000000,
                                 0xffffffff7ff00000 };
    static const u64 sizes[] = { 1, 4096, 4097, 0x37f000, 0x3fe000, 0x1000000 };
    struct plan plan;

    for (size_t b = 0; b < ARRAY_SIZE(bases); b++) {
        for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
            struct xen_image image = { .virt_base = bases[b],
                                       .virt_start = bases[b],
                                       .virt_end = bases[b] + sizes[s],
                                       .entry = bases[b] };
            struct plan_input input = { .image = &image, .pages = 16384, .ramdisk_size = 5000 };

            make(&plan, &input);
            u64 end = plan.virt_base + plan.mapped * 4096;
            ck_assert_uint_eq(end % (4 << 20), 0);
            ck_assert_uint_ge(end - plan.stack_top, 512 << 10);
            ck_assert_uint_lt(end - plan.stack_top, (512 << 10) + (4 << 20));
            check_tables(&plan);
        }
    }
}
END_TEST

START_TEST(test_start_info)
{
    struct xen_image image = linux_image();
    struct plan_input input = { .image = &image,
                                .pages = 65536,
                                .ramdisk_size = 10,
                                .cmdline = "earlyprintk=xen",
                                .privileged = true,
                                .initial = true };
    struct plan_frames frames = { .shared_info = 0x123456000,
                                  .xenstore_mfn = 0x777,
                                  .console_mfn = 0x888,
                                  .xenstore_evtchn = 1,
                                  .console_evtchn = 2 };
    struct plan_registers registers;
    struct start_info si;
    struct plan plan;

    memset(&si, 0xff, sizeof(si));
    make(&plan, &input);
    plan_start_info(&plan, &frames, &si);
    ck_assert_str_eq(si.magic, "xen-3.0-x86_64");
    ck_assert_uint_eq(si.nr_pages, 65536);
    ck_assert_uint_eq(si.shared_info, 0x123456000);
    ck_assert_uint_eq(si.flags, 1 + 2 + 8 + 16);
    ck_assert_uint_eq(si.store_mfn, 0x777);
    ck_assert_uint_eq(si.store_evtchn, 1);
    ck_assert_uint_eq(si.console.domU.mfn, 0x888);
    ck_assert_uint_eq(si.console.domU.evtchn, 2);
    ck_assert_uint_eq(si.pt_base, LINUX_BASE + 0x3e03000);
    ck_assert_uint_eq(si.nr_pt_frames, 35);
    ck_assert_uint_eq(si.mfn_list, LINUX_P2M);
    ck_assert_uint_eq(si.mod_start, 0x4000);
    ck_assert_uint_eq(si.mod_len, 10);
    ck_assert_uint_eq(si.first_p2m_pfn, 0x4001);
    ck_assert_uint_eq(si.nr_p2m_frames, 131);
    ck_assert_str_eq((char *)si.cmd_line, "earlyprintk=xen");
    for (size_t i = 15; i < sizeof(si.cmd_line); i++)
        ck_assert_int_eq(si.cmd_line[i], 0);

    registers = plan_registers(&plan);
    ck_assert_uint_eq(registers.rip, LINUX_BASE + 0x304e1c0);
    ck_assert_uint_eq(registers.rsi, LINUX_BASE + 0x3e00000);
    ck_assert_uint_eq(registers.rsp, LINUX_BASE + 0x3e27000);
    ck_assert_uint_eq(registers.rflags & ~2UL, 0x200);
    ck_assert_uint_eq(registers.cs, 0xe033);
    ck_assert_uint_eq(registers.ss, 0xe02b);
}
END_TEST

/* ---- refusals ---- */

START_TEST(test_refused_sizes)
{
    struct xen_image image = minios_image();
    struct plan_input input = { .image = &image, .pages = 1024 };
    struct plan plan;

    make(&plan, &input); /* just enough */
    input.pages = 1023;
    refuse(&input, "memory needed at start");
    input.pages = 79;
    refuse(&input, "size of the image from VIRT_BASE on");
    input.pages = 0;
    refuse(&input, "mem, in pages");
    input.pages = UINT64_MAX;
    refuse(&input, "mem, in pages");
    input.pages = 1024;
    input.ramdisk_size = UINT64_MAX;
    refuse(&input, "size of the ramdisk");
    input.ramdisk_size = 1024 * 4096;
    refuse(&input, "memory needed at start");
}
END_TEST

START_TEST(test_refused_addresses)
{
    static const u64 bases[] = { 0xffff800000000000, 0xffff87ffffc00000, 0xffff7fffffc00000,
                                 0xffffffffffc00000, 0xfffffffffff00000, 0x7ffffff80000,
                                 0x800000000000,     0x7fffffffe000 };
    struct plan plan;

    for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
        struct xen_image image = { .virt_base = bases[i],
                                   .virt_start = bases[i],
                                   .virt_end = bases[i] + 0x1000,
                                   .entry = bases[i] };
        struct plan_input input = { .image = &image, .pages = 8192 };

        refuse(&input, "Xen note VIRT_BASE");
    }
    struct xen_image image = { .virt_base = 0x7fffffc00000, /* the last 4 MiB below the hole */
                               .virt_start = 0x7fffffc00000,
                               .virt_end = 0x7fffffc01000 };
    struct plan_input input = { .image = &image, .pages = 8192 };
    make(&plan, &input);
    check_tables(&plan);
}
END_TEST

START_TEST(test_refused_p2m)
{
    /* 65536 pages: the list spans 512 KiB. */
    static const u64 places[] = {
        LINUX_BASE,         LINUX_BASE + 0x10000000, 0xffffff8000000000 - 0x7f000,
        0xffff800000000000, 0xffff87ffffffe000,      0x7ffffffff000,
        0x7ffffff81000,     0xfffffffffff81000
    };
    struct xen_image image = linux_image();
    struct plan_input input = { .image = &image, .pages = 65536 };
    struct plan plan;

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        image.init_p2m = places[i];
        refuse(&input, "Xen note INIT_P2M");
    }
    image.init_p2m = 0x7ffffff80000; /* ends just below the hole */
    make(&plan, &input);
    image.init_p2m = 0xffffff8000000000 - 0x80000; /* ends just below the kernel's L4 slot */
    make(&plan, &input);
    check_tables(&plan);
}
END_TEST

START_TEST(test_refused_wishes)
{
    struct xen_image image = linux_image();
    struct plan_input input = { .image = &image, .pages = 65536 };
    char cmdline[1025];
    struct plan plan;

    memset(cmdline, 'x', sizeof(cmdline));
    cmdline[1023] = '\0';
    input.cmdline = cmdline;
    make(&plan, &input);
    cmdline[1023] = 'x';
    cmdline[1024] = '\0';
    refuse(&input, "the guest's command line");
    input.cmdline = NULL;
    input.initial = true;
    image.features_supported = 0x8011; /* without bit 11, dom0 */
    refuse(&input, "Xen note SUPPORTED_FEATURES");
    input.initial = false;
    make(&plan, &input);
}
END_TEST

/* Byte for byte what the ABI says: push rcx; push r11; mov $n, %eax; syscall; pop r11; pop rcx; ret. */
START_TEST(test_hypercall_page)
{
    u8 page[4096];

    hypercall_page_fill(page);
    ck_assert_mem_eq(page, "\x51\x41\x53\xb8\0\0\0\0\x0f\x05\x41\x5b\x59\xc3", 14);
    ck_assert_mem_eq(page + 29 * 32, "\x51\x41\x53\xb8\x1d\0\0\0\x0f\x05\x41\x5b\x59\xc3", 14);
    ck_assert_mem_eq(page + 127 * 32, "\x51\x41\x53\xb8\x7f\0\0\0\x0f\x05\x41\x5b\x59\xc3", 14);
    ck_assert_mem_eq(page + 23 * 32, "\x51\x41\x53\x50\xb8\x17\0\0\0\x0f\x05", 11);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_minios);
    tcase_add_test(tests, test_linux);
    tcase_add_test(tests, test_large_p2m);
    tcase_add_test(tests, test_mapped_ramdisk);
    tcase_add_test(tests, test_as_xen_does);
    tcase_add_test(tests, test_many_shapes);
    tcase_add_test(tests, test_start_info);
    tcase_add_test(tests, test_refused_sizes);
    tcase_add_test(tests, test_refused_addresses);
    tcase_add_test(tests, test_refused_p2m);
    tcase_add_test(tests, test_refused_wishes);
    tcase_add_test(tests, test_hypercall_page);
}
