/*
 * Fuzzes the plan alone, with images that no ELF file needs to spell: the input is the numbers themselves. Only what
 * xen_image_read promises (page alignment, nothing below VIRT_BASE, the entry inside) is kept.
 */
#include <string.h>

#include "fuzz.h"

struct numbers {
    u64 virt_base, kernel_bytes, init_p2m, pages, ramdisk, hypercall;
    u8 flags, pages_shift;
};

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct problem problem;
    struct numbers n = { 0 };
    struct start_info si;
    struct plan plan;

    memcpy(&n, data, min(size, sizeof(n)));
    struct xen_image image = {
        .virt_base = n.virt_base & PAGE_MASK,
        .init_p2m = n.init_p2m & PAGE_MASK,
        .mod_start_pfn = n.flags & 1,
        .present = (u32)((n.flags & 2 ? BIT(XEN_ELFNOTE_INIT_P2M) : 0) |
                         (n.flags & 4 ? BIT(XEN_ELFNOTE_HYPERCALL_PAGE) : 0)),
    };
    if (!n.kernel_bytes || __builtin_add_overflow(image.virt_base, n.kernel_bytes, &image.virt_end))
        return 0;
    image.virt_start = image.entry = image.virt_base;
    image.hypercall_page = image.virt_base + (n.hypercall % n.kernel_bytes & PAGE_MASK);
    struct plan_input input = { .image = &image,
                                .pages = n.pages >> n.pages_shift % 64,
                                .ramdisk_size = n.ramdisk,
                                .privileged = n.flags & 8,
                                .initial = n.flags & 16 };
    if (!plan_make(&plan, &input, &problem))
        return 0;
    fuzz_check_plan(&plan);
    plan_start_info(&plan, &(struct plan_frames){ 0 }, &si);
    FUZZ_REQUIRE(si.nr_p2m_frames <= si.nr_pages && si.nr_pt_frames <= si.nr_pages);
    return 0;
}
