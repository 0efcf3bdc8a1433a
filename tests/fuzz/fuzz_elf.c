/*
 * Fuzzes the path that every guest image takes: ELF, Xen's notes, the plan, and the symbols for a crash report.
 * The sanitizers see what is read out of bounds; check_plan sees a plan that breaks its own promises.
 */
#include "fuzz.h"
#include "lib/xennote.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct problem problem;
    struct xen_image image;
    struct slice name;
    struct plan plan;
    struct elf elf;
    char line[256];
    u64 offset;

    if (!elf_open(&elf, data, size, &problem) || !xen_image_read(&image, &elf, &problem)) {
        problem_format(&problem, line, sizeof(line));
        return 0;
    }
    if (elf_symbol(&elf, image.entry, &name, &offset))
        fuzz_touch(name.text, name.length);
    for (unsigned i = 0; i < elf.header.phnum; i++) {
        struct elf_segment segment = elf_segment(&elf, i);
        struct slice bytes = elf_segment_bytes(&elf, &segment);

        if (!elf_segment_loads(&segment))
            continue;
        fuzz_touch(bytes.text, bytes.length);
        /* What the builder relies on: a segment never leaves the image's range. */
        u64 start = image.virt_base + xen_image_offset(&image, segment.paddr);
        FUZZ_REQUIRE(start >= image.virt_start && start + segment.memsz <= image.virt_end);
    }
    struct plan_input input = { .image = &image, .pages = 16384, .ramdisk_size = size };
    if (plan_make(&plan, &input, &problem))
        fuzz_check_plan(&plan);
    return 0;
}
